//! Texts of the help: the overview and the verbs' examples.

pub(crate) const TEMPLATE: &str = "{about}\n\nUsage: odb-cli [OPTIONS] VERB [ARGS]\n{after-help}\n\nOptions (before or after the verb):\n{options}\n";

pub(crate) const OVERVIEW: &str = "Navigate:  open URL, goto URL, back, forward, reload, wait
Read:      snapshot, find, get, is, eval, console, errors
Act:       click, fill, clear, type, press, select, check, uncheck, focus, hover, drag, tap, mouse,
           upload, scroll, scroll-into-view
Pages:     tabs, dialog, screenshot, pdf, html, clone, performance, trace
State:     cookies, storage, state
Device:    emulate
Network:   network, downloads, har
Many:      batch, call, commands
Sessions:  session, confirm, close
Relay:     status, dashboard, config, pair, doctor, serve, stop, completions
Agents:    mcp, skill
Operate:   scorecard, incident, journal
Legacy:    cdp

odb-cli VERB --help tells a verb's arguments with examples.

How to address an element (LOCATOR):
  @e12 or e12                 a ref out of a snapshot or an answer; it stays with its element
  role=button[name=\"Save\"]    a role with an accessible name; without quotes the name is contained
  text=Sign in                text=\"Sign in\" must be equal, case included
  label=… placeholder=… alt=… title=… testid=… xpath=… css=…
  #id, .class, a[href]        anything else is a CSS selector
  More than one match is an error that lists the candidates with their refs.

First steps:
  odb-cli open example.com
  odb-cli snapshot -i
  odb-cli click @e3
  odb-cli get title

Exit codes: 0 done, 1 the command line is wrong, 2 the command failed, 10 no relay runs.
Errors are \"error: CODE: message\" on stderr, with a hint; with --output json the frame on stdout.

Environment: ODB_HOME the state directory, ODB_SESSION the session's name, ODB_CA_FILE see --ca-file,
ODB_BROWSER and ODB_FIREFOX the executables of Chromium and Firefox, ODB_BROWSER_ARGS and ODB_FIREFOX_ARGS
further arguments for them (read by the relay when it starts), OPENDEVBROWSER_OPS_KILL_SWITCH routes new
sessions to the legacy lane, DASHBOARD_ADMIN_TOKEN opens config reload and incidents, NO_COLOR.";

pub(crate) const CONFIG: &str = "Examples:
  odb-cli config explain
  odb-cli config validate ./config.json --strict
  odb-cli config reload";

pub(crate) const PAIR: &str = "Examples:
  odb-cli pair
  odb-cli pair K7QM-2XPD --relay http://build-host:9555 --token-file ./relay.token
  odb-cli pair --self";

pub(crate) const JOURNAL: &str = "Examples:
  odb-cli journal verify
  odb-cli journal show --since 2026-11-22T00:00:00Z
  odb-cli journal prune --output json";

pub(crate) const OPEN: &str = "Examples:
  odb-cli open example.com
  odb-cli open http://localhost:3000 --wait-until networkidle
  odb-cli open https://example.com --session shop --headed --viewport 1600x900
  odb-cli open example.com --state login.json --device 'iPhone 15'
  odb-cli open https://shop.example --session bounded --allow-domain shop.example --allow-domain '*.shop.example'
  odb-cli open example.com --locale de-DE --timezone Europe/Berlin --color-scheme dark
  odb-cli open https://localhost:8443 --ignore-certificate-errors
  odb-cli open example.com --proxy http://proxy.local:3128 --proxy-bypass '*.local'

The flags of a new session are refused where one is open that was made otherwise; emulate changes an open one.";

pub(crate) const CONFIRM: &str = "Examples:
  odb-cli confirm list
  odb-cli confirm approve 0123456789abcdef";

pub(crate) const GOTO: &str = "Examples:
  odb-cli goto https://example.com/cart
  odb-cli goto example.com --wait-until domcontentloaded --timeout 10000";

pub(crate) const WAIT: &str = "Examples:
  odb-cli wait '#results'
  odb-cli wait @e5 --state hidden
  odb-cli wait --text 'Thank you' --timeout 60000
  odb-cli wait --url '**/checkout'
  odb-cli wait --load networkidle
  odb-cli wait --function 'window.ready === true'
  odb-cli wait 500";

pub(crate) const SNAPSHOT: &str = "Examples:
  odb-cli snapshot -i
  odb-cli snapshot --outline
  odb-cli snapshot --element 'role=form' --max-chars 4000
  odb-cli snapshot --find 'Order 17'    only the lines with the text, and what they are in
  odb-cli snapshot --since s3           only what has changed since that snapshot
  odb-cli snapshot --cursor CURSOR      goes on where the last one stopped";

pub(crate) const FIND: &str = "Examples:
  odb-cli find 'role=button'
  odb-cli find 'text=Add to cart' --limit 5";

pub(crate) const GET: &str = "Examples:
  odb-cli get title
  odb-cli get url
  odb-cli get text '#total'
  odb-cli get html main --inner
  odb-cli get attr @e3 href
  odb-cli get value label=Email
  odb-cli get count '.product'
  odb-cli get box @e3";

pub(crate) const PDF: &str = "Examples:
  odb-cli pdf
  odb-cli pdf report.pdf --paper letter --landscape --background
  odb-cli pdf --pages 1-2 --margin 0";

pub(crate) const CLONE: &str = "Examples:
  odb-cli clone shop.html
  odb-cli clone --element '#card' card.html
  odb-cli clone --max-bytes 2000000";

pub(crate) const TRACE: &str = "Examples:
  odb-cli open example.com --isolation process
  odb-cli trace start
  odb-cli goto example.com/cart
  odb-cli trace stop cart.json

A trace is of the whole browser, so the session needs one of its own: --isolation process.";

pub(crate) const COOKIES: &str = "Examples:
  odb-cli cookies
  odb-cli cookies get sid --url https://example.com/
  odb-cli cookies set theme dark
  odb-cli cookies set sid --stdin --domain .example.com --secure --http-only < sid.txt
  odb-cli cookies clear sid";

pub(crate) const STORAGE: &str = "Examples:
  odb-cli storage local
  odb-cli storage local get token
  odb-cli storage local set theme dark
  odb-cli storage session clear";

pub(crate) const STATE: &str = "Examples:
  odb-cli state save login.json
  odb-cli state load login.json
  odb-cli open https://example.com --state login.json
The file logs its bearer in: it is written so that you alone can read it.";

pub(crate) const EMULATE: &str = "Examples:
  odb-cli emulate device                       lists the presets
  odb-cli emulate device 'iPhone 15'
  odb-cli emulate viewport 390x844@3 --mobile --touch
  odb-cli emulate geolocation 52.52,13.405
  odb-cli emulate permissions --grant geolocation
  odb-cli emulate locale de-DE
  odb-cli emulate timezone Europe/Berlin
  odb-cli emulate media --color-scheme dark --reduced-motion reduce
  odb-cli emulate user-agent                   back to the browser's own";

pub(crate) const IS: &str = "Examples:
  odb-cli is visible '#banner'
  odb-cli is checked label=Newsletter

false is an answer, not an error: the exit code is 0.";

pub(crate) const EVAL: &str = "Examples:
  odb-cli eval 'document.title'
  odb-cli eval '({items: document.links.length})'
  odb-cli eval - < script.js";

pub(crate) const CLICK: &str = "Examples:
  odb-cli click @e3
  odb-cli click 'role=button[name=\"Add to cart\"]'
  odb-cli click '#row' --double
  odb-cli click canvas --position 10,20 --button right --modifier Shift";

pub(crate) const FILL: &str = "Examples:
  odb-cli fill label=Email ada@example.com
  odb-cli fill @e7 -- -5
  odb-cli fill label=Password --stdin < secret.txt";

pub(crate) const TYPE: &str = "Examples:
  odb-cli type '#search' 'red shoes'
  odb-cli type 'into what has the focus'
  odb-cli type @e4 slowly --delay 50";

pub(crate) const PRESS: &str = "Examples:
  odb-cli press Enter
  odb-cli press Control+a '#search'";

pub(crate) const SELECT: &str = "Examples:
  odb-cli select '#country' de
  odb-cli select label=Colours red blue
  odb-cli select @e9 --label Germany
  odb-cli select @e9 --index 2";

pub(crate) const SCROLL: &str = "Examples:
  odb-cli scroll down 300
  odb-cli scroll bottom
  odb-cli scroll '#list' down 200
  odb-cli scroll --dx -50 --dy 100
  odb-cli scroll '#list' --to top";

pub(crate) const UPLOAD: &str = "Examples:
  odb-cli upload 'label=Curriculum vitae' cv.pdf
  odb-cli upload @e7 a.csv b.csv
  odb-cli click text=Choose && odb-cli upload --chooser a.csv
  odb-cli upload @e7 --clear

The files are read here and sent; a directory is refused.";

pub(crate) const DOWNLOADS: &str = "Examples:
  odb-cli downloads
  odb-cli click 'text=Export' && odb-cli downloads save
  odb-cli downloads save --number 2 report.csv
  odb-cli downloads wait 3 --timeout 120000

What is not saved goes with the session.";

pub(crate) const NETWORK: &str = "Examples:
  odb-cli network requests --status 4xx
  odb-cli network requests '**/api/*' --headers
  odb-cli network requests --seq 12
  odb-cli network wait '**/api/save' --status 2xx --since 40
  odb-cli network route '**/api/cart' --body '{\"items\":[]}'
  odb-cli network route '**/*.png' --abort
  odb-cli network route '**/api/**' --header 'X-Test: 1' --set-method PUT
  odb-cli network unroute 1
  odb-cli network headers 'X-Trace: abc'
  odb-cli network offline on
  odb-cli network offline --latency 300 --down 50
  odb-cli network credentials ada --origin https://example.com < password.txt

A wait begins when it is sent: put it behind its action in a batch, or give the number of the last request with --since.";

pub(crate) const HAR: &str = "Examples:
  odb-cli har
  odb-cli har checkout.har --bodies

With --output json and no PATH no file is written: the frame holds the archive.";

pub(crate) const DRAG: &str = "Examples:
  odb-cli drag @e4 @e9
  odb-cli drag 'text=Fire the kiln' '#done'
  odb-cli drag '#knob' '#track' --target-position 200,10

A native drag whose drop the page does not take is an error (ops_drop_refused).";

pub(crate) const MOUSE: &str = "Examples:
  odb-cli mouse move 120 80
  odb-cli mouse down
  odb-cli mouse move 300 80 --steps 10
  odb-cli mouse up
  odb-cli mouse wheel 240 --at 400,300
  odb-cli mouse drag 120,80 300,80";

pub(crate) const SCREENSHOT: &str = "Examples:
  odb-cli screenshot
  odb-cli screenshot page.png --full
  odb-cli screenshot chart.jpeg --element '#chart' --quality 80
  odb-cli screenshot part.png --clip 0,0,400,300

With --output json and no PATH no file is written: the frame holds the picture.";

pub(crate) const TABS: &str = "Examples:
  odb-cli tabs
  odb-cli tabs new https://example.com
  odb-cli tabs use t2
  odb-cli tabs close t2";

pub(crate) const DIALOG: &str = "Examples:
  odb-cli dialog
  odb-cli dialog accept
  odb-cli dialog accept 'my answer'
  odb-cli dialog dismiss
  odb-cli dialog policy accept";

pub(crate) const BATCH: &str =
    "Each line is a verb as a JSON array, or a command as a JSON object. All lines are checked before the first runs.

Examples:
  printf '%s\\n' '[\"fill\",\"label=Email\",\"a@b.c\"]' '[\"click\",\"text=Send\"]' | odb-cli batch
  echo '{\"command\":\"dom.title\"}' | odb-cli batch --output json";

pub(crate) const CALL: &str = "Examples:
  odb-cli call dom.title
  odb-cli call interact.click --params '{\"element\":{\"ref\":\"e3\"},\"count\":2}'
  odb-cli call dom.eval --params - < params.json

odb-cli commands lists the commands, odb-cli commands dom.eval shows one's schemas.";

pub(crate) const SESSION_CREATE: &str = "Examples:
  odb-cli session create
  odb-cli session create --session phone --device 'iPhone 15' --locale fr-FR
  odb-cli session create --session admin --state login.json --dialogs accept
  odb-cli session create --geolocation 52.52,13.405 --permission geolocation
  odb-cli session create --proxy http://proxy:3128 --proxy-user ada --proxy-password-file secret.txt";

pub(crate) const SESSION: &str = "Examples:
  odb-cli session create --session shop --viewport 1600x900
  odb-cli session list
  odb-cli session use shop
  odb-cli session status --session shop
  odb-cli session close shop";

pub(crate) const CDP: &str = "Examples:
  odb-cli cdp open
  odb-cli cdp send Browser.getVersion
  odb-cli cdp send Runtime.evaluate '{\"expression\":\"1+1\"}' --cdp-session ID
  odb-cli cdp proxy                     prints addresses for connectOverCDP and puppeteer.connect
  odb-cli cdp close

The lane is closed unless allowRawCDP is set in the relay's config.json.";

pub(crate) const SERVE: &str = "Examples:
  odb-cli serve
  odb-cli serve --limits strict
  odb-cli serve --help                  relayd's own help";

pub(crate) const BACK: &str = "Examples:
  odb-cli back
  odb-cli back --wait-until domcontentloaded";

pub(crate) const FORWARD: &str = "Examples:
  odb-cli forward";

pub(crate) const RELOAD: &str = "Examples:
  odb-cli reload
  odb-cli reload --ignore-cache";

pub(crate) const CLEAR: &str = "Examples:
  odb-cli clear label=Email";

pub(crate) const CHECK: &str = "Examples:
  odb-cli check 'label=I agree'";

pub(crate) const UNCHECK: &str = "Examples:
  odb-cli uncheck @e5";

pub(crate) const FOCUS: &str = "Examples:
  odb-cli focus '#search'";

pub(crate) const HOVER: &str = "Examples:
  odb-cli hover text=Products
  odb-cli hover @e3 --modifier Shift";

pub(crate) const TAP: &str = "Examples:
  odb-cli tap 'role=button[name=\"Menu\"]'
  odb-cli tap canvas --position 10,20";

pub(crate) const SCROLL_INTO_VIEW: &str = "Examples:
  odb-cli scroll-into-view text=Imprint";

pub(crate) const HTML: &str = "Examples:
  odb-cli html
  odb-cli html page.html";

pub(crate) const PERFORMANCE: &str = "Examples:
  odb-cli performance
  odb-cli performance --output json";

pub(crate) const CONSOLE: &str = "Examples:
  odb-cli console
  odb-cli console --since 12 --limit 20";

pub(crate) const ERRORS: &str = "Examples:
  odb-cli errors
  odb-cli errors --since 3";

pub(crate) const COMMANDS: &str = "Examples:
  odb-cli commands
  odb-cli commands dom.eval";

pub(crate) const CLOSE: &str = "Examples:
  odb-cli close
  odb-cli close --session shop";

pub(crate) const STATUS: &str = "Examples:
  odb-cli status
  odb-cli status --output json";

pub(crate) const DASHBOARD: &str = "Examples:
  odb-cli dashboard";

pub(crate) const SCORECARD: &str = "Examples:
  odb-cli scorecard
  odb-cli scorecard --window 7d --save";

pub(crate) const INCIDENT: &str = "Examples:
  odb-cli incident record --severity P1 --kind latency 'clicks took 5 s'
  odb-cli incident list
  odb-cli incident resolve inc-7 --note 'the disk was full'";

pub(crate) const DOCTOR: &str = "Examples:
  odb-cli doctor";

pub(crate) const STOP: &str = "Examples:
  odb-cli stop";

pub(crate) const MCP: &str = "Examples:
  odb-cli mcp
  odb-cli mcp config --client claude
  odb-cli mcp config --client codex --home ~/.local/state/odb-agents";

pub(crate) const SKILL: &str = "Examples:
  odb-cli skill
  odb-cli skill install --claude
  odb-cli skill install --cursor --agents-md";

pub(crate) const COMPLETIONS: &str = "Examples:
  odb-cli completions bash > ~/.local/share/bash-completion/completions/odb-cli";
