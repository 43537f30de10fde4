//! Scratch: latencies through the runtime.
use std::process::ExitCode;
use std::time::Instant;
use conformance::suite::Fixture;
use conformance::suite::verbs::{button, eval, whole};
use odb_tests::subjects;
use ops_contracts::command::{DomEval, DomSnapshot};
fn main() -> ExitCode {
    if let Some(code) = adapter_cdp::guard::dispatch(std::env::args_os()) { return code; }
    let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("rt");
    rt.block_on(async {
        let profiles = tempfile::tempdir().expect("dir");
        for subject in [subjects::bidi_firefox(profiles.path().join("b"))] {
            let name = subject.name;
            let f = Fixture::new(subject, "measure").expect("fixture");
            let t = Instant::now();
            let s = f.session().await.expect("session");
            println!("{name} first session {:?}", t.elapsed());
            let mut times = Vec::new();
            s.goto("/plain").await.expect("goto");
            for _ in 0..300 { let t = Instant::now(); s.call::<DomEval>(&eval("1+1")).await.expect("eval"); times.push(t.elapsed()); }
            times.sort(); println!("{name} eval p50 {:?} p95 {:?}", times[150], times[285]);
            times.clear();
            for _ in 0..100 { let t = Instant::now(); s.click(button("A button")).await.expect("click"); times.push(t.elapsed()); }
            times.sort(); println!("{name} click p50 {:?} p95 {:?}", times[50], times[95]);
            times.clear();
            for _ in 0..50 { let t = Instant::now(); s.fill("css=input", "hello world").await.ok(); times.push(t.elapsed()); s.eval("document.querySelector('input').value=''").await.ok(); }
            times.sort(); println!("{name} fill p50 {:?} p95 {:?}", times[25], times[47]);
            s.goto("/pages/table.html?rows=833").await.expect("goto");
            println!("elements {}", s.eval("document.querySelectorAll('*').length").await.expect("n"));
            times.clear();
            let mut len = 0;
            for _ in 0..10 { let t = Instant::now(); len = s.call::<DomSnapshot>(&ops_contracts::command::dom::SnapshotParams { max_chars: 1_000_000, ..whole() }).await.expect("snap").text.len(); times.push(t.elapsed()); }
            times.sort(); println!("{name} snapshot p50 {:?} max {:?} chars {len}", times[5], times[9]);
            f.close().await;
            f.service().shut_down(Instant::now()).await;
        }
    });
    ExitCode::SUCCESS
}
