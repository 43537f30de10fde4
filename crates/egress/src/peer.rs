//! Whose connection it is: a door on loopback can be found by every local process, so each connection is traced to the process
//! that holds its other end.
//!
//! Reads `/proc`. Where there is none, or where it may not be read, nobody is known, and so nobody is let in.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// The process group of a process.
pub(crate) fn group_of(pid: u32) -> Option<u32> {
    group_in(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The command's name stands in parentheses and may contain anything: fields count from the last one.
fn group_in(stat: &str) -> Option<u32> {
    stat.get(stat.rfind(')')? + 1..)?
        .split_ascii_whitespace()
        .nth(2)?
        .parse()
        .ok()
}

/// The process of `group` that holds the end `peer` of a connection to `own`; `likely` is looked at first.
pub(crate) fn holder(
    peer: SocketAddr,
    own: SocketAddr,
    group: u32,
    likely: Option<u32>,
) -> Option<u32> {
    let (SocketAddr::V4(peer), SocketAddr::V4(own)) = (peer, own) else {
        return None;
    };
    let inode = inode_in(&fs::read_to_string("/proc/net/tcp").ok()?, peer, own)?;
    let link = format!("socket:[{inode}]");
    let holds = |pid: &u32| group_of(*pid) == Some(group) && has_open(*pid, &link);
    likely.filter(holds).or_else(|| processes().find(holds))
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn has_open(pid: u32, link: &str) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    open.filter_map(|entry| fs::read_link(entry.path()).ok())
        .any(|target| target.as_os_str() == link)
}

/// The inode of the socket at `local` that is connected to `remote`.
fn inode_in(table: &str, local: SocketAddrV4, remote: SocketAddrV4) -> Option<u64> {
    // The kernel prints the address as a number of this machine's byte order, and the port as one of the network's.
    let shown =
        |ip: Ipv4Addr, port: u16| format!("{:08X}:{port:04X}", u32::from_ne_bytes(ip.octets()));
    let (local, remote) = (
        shown(*local.ip(), local.port()),
        shown(*remote.ip(), remote.port()),
    );
    table.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let matches = fields.next()? == local && fields.next()? == remote;
        matches
            .then(|| fields.nth(6)?.parse().ok().filter(|inode| *inode > 0))
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_of_this_process_is_found_by_its_group_and_by_no_other() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (_accepted, peer) = listener.accept().unwrap();
        let own = listener.local_addr().unwrap();
        let pid = std::process::id();
        let group = group_of(pid).unwrap();
        assert_eq!(holder(peer, own, group, None), Some(pid));
        assert_eq!(holder(peer, own, group, Some(pid)), Some(pid));
        assert_eq!(holder(peer, own, u32::MAX, Some(pid)), None);
        drop(stream);
        assert_eq!(
            holder(peer, own, group, None),
            None,
            "a socket that is closed is nobody's"
        );
    }

    #[test]
    fn names_of_processes_confuse_nobody() {
        assert_eq!(group_in("1 (a) b) S 2 77 3"), Some(77));
        assert_eq!(group_in(""), None);
    }
}
