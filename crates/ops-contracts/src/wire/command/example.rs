//! One example of every command: what is documented, what the help shows, and what the tests run in a browser.
//!
//! `$SITE` stands for the address of the bundled site. The lines before an example's own bring the session to where it makes
//! sense; they are shell, as a person would type them.

use super::CommandName;

/// An example of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// Its parameters as JSON.
    pub params: &'static str,
    /// What comes before, a line each.
    pub before: &'static [&'static str],
    /// The same on the command line.
    pub shell: &'static str,
}

impl Example {
    /// The parameters with the site's address in them.
    #[must_use]
    pub fn params_at(&self, site: &str) -> String {
        self.params.replace("$SITE", site)
    }

    /// Everything that a shell runs, a line each.
    #[must_use]
    pub fn script(&self) -> String {
        self.before
            .iter()
            .chain([&self.shell])
            .copied()
            .collect::<Vec<_>>()
            .join("\n")
    }
}

const PLAIN: &str = r#"odb-cli open "$SITE/plain""#;
const FORMS: &str = r#"odb-cli open "$SITE/pages/forms.html""#;
const DRAG: &str = r#"odb-cli open "$SITE/pages/drag.html""#;
const FILES: &str = r#"odb-cli open "$SITE/pages/files.html""#;
const LONG: &str = r#"odb-cli open "$SITE/pages/long.html""#;
const NETWORK: &str = r#"odb-cli open "$SITE/pages/network.html""#;
const DIALOGS: &str = r#"odb-cli open "$SITE/pages/dialogs.html""#;
const CONSOLE: &str = r#"odb-cli open "$SITE/pages/console.html""#;
const SHOP: &str = r#"odb-cli open "$SITE/shop/""#;
const JSON: &str = "odb-cli click '#json'";

macro_rules! examples {
    ($($name:ident [$($before:expr),*] $params:literal $shell:literal;)+) => {
        impl CommandName {
            /// The command's example.
            #[must_use]
            pub const fn example(self) -> Example {
                match self {
                    $(Self::$name => Example { params: $params, before: &[$($before),*], shell: $shell },)+
                }
            }
        }
    };
}

examples! {
    SessionCreate [] r#"{"device":{"name":"iPhone 15"},"locale":"de-DE"}"# "odb-cli session create --session phone --device 'iPhone 15' --locale de-DE";
    SessionList [PLAIN] "{}" "odb-cli session list";
    SessionStatus [PLAIN] "{}" "odb-cli session status";
    SessionRenew [PLAIN] "{}" "odb-cli session renew";
    SessionObserve [PLAIN] r#"{"ttlMs":60000}"# "odb-cli session observe --as watcher --ttl 60000";
    SessionReclaim [r#"odb-cli open "$SITE/plain" --session handover"#] "{}" "odb-cli session reclaim --session handover";
    SessionClose [r#"odb-cli open "$SITE/plain" --session spare"#] "{}" "odb-cli session close --session spare";
    TargetsList [PLAIN] "{}" "odb-cli tabs";
    TargetsNew [PLAIN] r#"{"url":"$SITE/pages/forms.html"}"# r#"odb-cli tabs new "$SITE/pages/forms.html""#;
    TargetsUse [PLAIN, "odb-cli tabs new"] r#"{"targetId":"t1"}"# "odb-cli tabs use t1";
    TargetsClose [PLAIN, "odb-cli tabs new"] "{}" "odb-cli tabs close";
    NavGoto [PLAIN] r#"{"url":"$SITE/pages/forms.html","waitUntil":"networkidle"}"# r#"odb-cli goto "$SITE/pages/forms.html" --wait-until networkidle"#;
    NavBack [PLAIN, r#"odb-cli goto "$SITE/pages/forms.html""#] "{}" "odb-cli back";
    NavForward [PLAIN, r#"odb-cli goto "$SITE/pages/forms.html""#, "odb-cli back"] "{}" "odb-cli forward";
    NavReload [PLAIN] r#"{"ignoreCache":true}"# "odb-cli reload --ignore-cache";
    NavWait [PLAIN, "odb-cli click 'text=A button'"] r#"{"text":"pressed"}"# "odb-cli wait --text pressed";
    DomSnapshot [FORMS] r#"{"mode":"interactive","maxChars":4000}"# "odb-cli snapshot --interactive --max-chars 4000";
    DomFind [FORMS] r#"{"element":{"role":"textbox"},"limit":5}"# "odb-cli find role=textbox --limit 5";
    DomTitle [PLAIN] "{}" "odb-cli get title";
    DomUrl [PLAIN] "{}" "odb-cli get url";
    DomText [PLAIN] r#"{"element":{"css":"h1"}}"# "odb-cli get text h1";
    DomHtml [PLAIN] r#"{"element":{"css":"h1"},"outer":false}"# "odb-cli get html h1 --inner";
    DomAttr [PLAIN] r#"{"element":{"text":"A link"},"name":"href"}"# "odb-cli get attr 'text=A link' href";
    DomValue [FORMS, "odb-cli fill 'label=Email' ada@example.com"] r#"{"element":{"label":"Email"}}"# "odb-cli get value 'label=Email'";
    DomState [FORMS] r#"{"element":{"label":"Check two"}}"# "odb-cli is checked 'label=Check two'";
    DomBox [PLAIN] r#"{"element":{"css":"h1"}}"# "odb-cli get box h1";
    DomCount [PLAIN] r#"{"element":{"css":"p"}}"# "odb-cli get count p";
    DomEval [PLAIN] r#"{"expression":"document.links.length"}"# "odb-cli eval document.links.length";
    InteractClick [PLAIN] r#"{"element":{"role":"button","name":"A button"}}"# r#"odb-cli click 'role=button[name="A button"]'"#;
    InteractHover [PLAIN] r#"{"element":{"text":"A link"}}"# "odb-cli hover 'text=A link'";
    InteractFill [FORMS] r#"{"element":{"label":"Email"},"value":"ada@example.com"}"# "odb-cli fill 'label=Email' ada@example.com";
    InteractClear [FORMS, "odb-cli fill 'label=Email' ada@example.com"] r#"{"element":{"label":"Email"}}"# "odb-cli clear 'label=Email'";
    InteractType [FORMS] r##"{"element":{"css":"#text"},"text":"red shoes"}"## "odb-cli type '#text' 'red shoes'";
    InteractPress [FORMS] r##"{"key":"Control+a","element":{"css":"#text"}}"## "odb-cli press Control+a '#text'";
    InteractSelect [FORMS] r#"{"element":{"label":"Single"},"options":[{"label":"Birch"}]}"# "odb-cli select 'label=Single' --label Birch";
    InteractCheck [FORMS] r#"{"element":{"label":"Check one"}}"# "odb-cli check 'label=Check one'";
    InteractUncheck [FORMS] r#"{"element":{"label":"Check two"}}"# "odb-cli uncheck 'label=Check two'";
    InteractFocus [FORMS] r#"{"element":{"label":"Email"}}"# "odb-cli focus 'label=Email'";
    InteractScroll [LONG] r#"{"dy":400}"# "odb-cli scroll down 400";
    InteractScrollIntoView [FORMS] r##"{"element":{"css":"#combo"}}"## "odb-cli scroll-into-view '#combo'";
    InteractDrag [DRAG] r##"{"source":{"css":"#kiln"},"target":{"css":"#done"}}"## "odb-cli drag '#kiln' '#done'";
    InteractUpload [FILES, "printf '1,2' > a.csv"] r#"{"element":{"label":"Several files"},"files":[{"name":"a.csv","text":"1,2"}]}"# "odb-cli upload 'label=Several files' a.csv";
    InteractTap [DRAG] r#"{"element":{"text":"Tap me"}}"# "odb-cli tap 'text=Tap me'";
    PointerMove [DRAG] r#"{"x":120,"y":80}"# "odb-cli mouse move 120 80";
    PointerDown [DRAG, "odb-cli mouse move 400 300"] "{}" "odb-cli mouse down";
    PointerUp [DRAG, "odb-cli mouse move 400 300", "odb-cli mouse down"] "{}" "odb-cli mouse up";
    PointerWheel [LONG] r#"{"dy":240,"at":{"x":400,"y":300}}"# "odb-cli mouse wheel 240 --at 400,300";
    PointerDrag [DRAG] r#"{"from":{"x":400,"y":300},"to":{"x":500,"y":300}}"# "odb-cli mouse drag 400,300 500,300";
    ExportScreenshot [FORMS] r#"{"annotated":true,"format":"jpeg","quality":80}"# "odb-cli screenshot forms.jpg --annotate --quality 80";
    ExportHar [NETWORK, JSON] r#"{"bodies":true}"# "odb-cli har requests.har --bodies";
    NetworkRoute [NETWORK] r#"{"url":"**/json","fulfil":{"body":"{\"name\":\"ours\"}"}}"# r#"odb-cli network route '**/json' --body '{"name":"ours"}'"#;
    NetworkUnroute [NETWORK, "odb-cli network route '**/json' --abort"] r#"{"url":"**/json"}"# "odb-cli network unroute '**/json'";
    NetworkSetHeaders [NETWORK] r#"{"headers":[{"name":"X-Test","value":"1"}]}"# "odb-cli network headers 'X-Test: 1'";
    NetworkOffline [NETWORK] r#"{"offline":false,"latencyMs":20}"# "odb-cli network offline off --latency 20";
    NetworkCredentials [NETWORK] r#"{"username":"ada","password":"oak","origin":"https://example.com"}"# "echo oak | odb-cli network credentials ada --origin https://example.com";
    NetworkWait [NETWORK, JSON] r#"{"filter":{"url":"**/json","status":"2xx"},"sinceSeq":0}"# "odb-cli network wait '**/json' --status 2xx --since 0";
    DownloadsList [FILES] "{}" "odb-cli downloads";
    DownloadsWait [FILES, "odb-cli click 'text=A small file'"] "{}" "odb-cli downloads wait";
    DownloadsSave [FILES, "odb-cli click 'text=A small file'", "odb-cli downloads wait"] r#"{"download":1}"# "odb-cli downloads save --number 1 file.txt --force";
    StorageCookiesGet [r#"odb-cli open "$SITE/set-cookie?theme=dark""#] r#"{"name":"theme"}"# "odb-cli cookies get theme";
    StorageCookiesSet [PLAIN] r#"{"cookies":[{"name":"theme","value":"dark","sameSite":"Lax"}]}"# "odb-cli cookies set theme dark --same-site Lax";
    StorageCookiesClear [PLAIN] r#"{"name":"theme"}"# "odb-cli cookies clear theme";
    StorageLocalGet [PLAIN] r#"{"name":"theme"}"# "odb-cli storage local get theme";
    StorageLocalSet [PLAIN] r#"{"items":[{"name":"theme","value":"dark"}]}"# "odb-cli storage local set theme dark";
    StorageLocalClear [PLAIN] r#"{"name":"theme"}"# "odb-cli storage local clear theme";
    StorageSessionGet [PLAIN] r#"{"name":"theme"}"# "odb-cli storage session get theme";
    StorageSessionSet [PLAIN] r#"{"items":[{"name":"theme","value":"dark"}]}"# "odb-cli storage session set theme dark";
    StorageSessionClear [PLAIN] r#"{"name":"theme"}"# "odb-cli storage session clear theme";
    StorageStateExport [r#"odb-cli open "$SITE/set-cookie?sid=s3cret""#] "{}" "odb-cli state save login.json";
    StorageStateImport [r#"odb-cli open "$SITE/set-cookie?sid=s3cret""#, "odb-cli state save login.json"] r#"{"state":{"cookies":[{"name":"sid","value":"s3cret","domain":"127.0.0.1","path":"/"}],"origins":[]}}"# "odb-cli state load login.json";
    EmulationViewport [PLAIN] r#"{"viewport":{"width":390,"height":844,"scale":3},"mobile":true,"touch":true}"# "odb-cli emulate viewport 390x844@3 --mobile --touch";
    EmulationDevice [PLAIN] r#"{"name":"iPhone 15"}"# "odb-cli emulate device 'iPhone 15'";
    EmulationGeolocation [PLAIN] r#"{"position":{"latitude":52.52,"longitude":13.405}}"# "odb-cli emulate geolocation 52.52,13.405";
    EmulationLocale [PLAIN] r#"{"locale":"de-DE"}"# "odb-cli emulate locale de-DE";
    EmulationTimezone [PLAIN] r#"{"timezone":"Europe/Berlin"}"# "odb-cli emulate timezone Europe/Berlin";
    EmulationMedia [PLAIN] r#"{"colorScheme":"dark","reducedMotion":"reduce"}"# "odb-cli emulate media --color-scheme dark --reduced-motion reduce";
    EmulationUserAgent [PLAIN] r#"{"userAgent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}"# "odb-cli emulate user-agent 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'";
    EmulationPermissions [PLAIN] r#"{"grant":["geolocation"]}"# "odb-cli emulate permissions --grant geolocation";
    DialogStatus [PLAIN] "{}" "odb-cli dialog";
    DialogAccept [DIALOGS, "odb-cli dialog policy ask", "odb-cli click 'text=Prompt'"] r#"{"text":"my answer"}"# "odb-cli dialog accept 'my answer'";
    DialogDismiss [DIALOGS, "odb-cli dialog policy ask", "odb-cli click 'text=Confirm'"] "{}" "odb-cli dialog dismiss";
    DialogPolicy [DIALOGS] r#"{"policy":"accept"}"# "odb-cli dialog policy accept";
    DiagnosticsConsole [CONSOLE] r#"{"limit":20}"# "odb-cli console --limit 20";
    DiagnosticsErrors [CONSOLE] "{}" "odb-cli errors";
    DiagnosticsNetwork [NETWORK, JSON] r#"{"filter":{"status":"2xx"},"headers":true}"# "odb-cli network requests --status 2xx --headers";
    DiagnosticsPerformance [SHOP] "{}" "odb-cli performance";
    ExportPdf [PLAIN] r#"{"paper":"letter","background":true}"# "odb-cli pdf page.pdf --paper letter --background";
    ExportHtml [PLAIN] "{}" "odb-cli html page.html";
    TargetsNamed [PLAIN] r#"{"name":"cart","url":"$SITE/shop/cart"}"# r#"odb-cli tabs named cart "$SITE/shop/cart""#;
    ExportClonePage [SHOP] r#"{"maxBytes":8388608}"# "odb-cli clone shop.html --max-bytes 8388608";
    ExportCloneComponent [SHOP] r#"{"element":{"role":"searchbox"}}"# "odb-cli clone search.html --element role=searchbox";
    DiagnosticsTrace [r#"odb-cli open "$SITE/plain" --session traced --isolation process"#, "odb-cli trace stop --session traced || true"] r#"{"action":"start"}"# "odb-cli trace start --session traced";
    BatchRun [FORMS] r#"{"commands":[{"command":"interact.fill","params":{"element":{"label":"Email"},"value":"ada@example.com"}},{"command":"dom.value","params":{"element":{"label":"Email"}}}]}"# r#"printf '%s\n' '["fill","label=Email","ada@example.com"]' '["get","value","label=Email"]' | odb-cli batch"#;
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::super::Call;
    use super::*;

    #[test]
    fn every_example_is_taken_by_its_command() {
        for &name in CommandName::ALL {
            let params =
                RawValue::from_string(name.example().params_at("http://127.0.0.1:8080")).unwrap();
            Call::parse(name, &params).unwrap_or_else(|fault| panic!("{name}: {}", fault.message));
        }
    }
}
