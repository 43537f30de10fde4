//! Roles and names as the bridge tells them, beside Chromium's own accessibility tree, on markup as real sites have it. What
//! differs is listed with its reason in `accessibility.json`; a difference that is not listed fails, and so does a listed one
//! that is none any more.

use std::collections::{BTreeMap, BTreeSet};

use conformance::site::Site;
use odb_tests::raw::RawBrowser;
use serde::Deserialize;
use serde_json::{Value, json};

const PAGES: &[&str] = &[
    "ax/header",
    "ax/settings",
    "ax/widgets",
    "ax/grids",
    "ax/overlays",
    "ax/shadow",
    "ax/standard",
    "ax/frames",
    "bridge/names",
    "bridge/labels",
    "bridge/custom-widgets",
    "bridge/editables",
    "bridge/hidden-states",
    "bridge/modal",
    "bridge/selects",
    "bridge/shadow-roots",
    "bridge/tables",
    "forms",
    "dialogs",
    "moving",
    "long",
    "spa",
];

const INTERACTIVE: &[&str] = &[
    "button",
    "link",
    "textbox",
    "searchbox",
    "combobox",
    "listbox",
    "option",
    "checkbox",
    "radio",
    "switch",
    "slider",
    "spinbutton",
    "menuitem",
    "menuitemcheckbox",
    "menuitemradio",
    "tab",
    "treeitem",
    "scrollbar",
];

/// Nodes of the tree that are no elements.
const TEXT: &[&str] = &["StaticText", "InlineTextBox", "ListMarker", "LineBreak"];

/// Describes elements to the test. What the browser makes of its own for a control (the parts of a date field, the buttons of
/// a video) is no part of the page, and the options of a long drop-down show as their number.
const DESCRIBE: &str = r#"function (...elements) {
  const own = /^(input|select|textarea|video|audio|details|summary|meter|progress|marquee)$/;
  const long = (el) => el.localName === 'option' && (el.closest('select')?.options.length ?? 0) > 12;
  return JSON.stringify(elements.map((el) => {
    if (el.nodeType !== 1 || own.test(el.getRootNode().host?.localName ?? '') || long(el)) return null;
    const { ref, role, name } = JSON.parse(__odb.call('describe', {}, el)).ok;
    return { ref, role, name, tag: el.cloneNode(false).outerHTML.replace(/<\/[^>]*>$/, '').slice(0, 100) };
  }));
}"#;

#[derive(Deserialize)]
struct Described {
    #[serde(rename = "ref")]
    number: Option<u64>,
    role: String,
    name: String,
    tag: String,
}

/// One row of the file, and one difference found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    page: String,
    element: String,
    ours: String,
    browser: String,
    #[serde(default)]
    reason: String,
}

#[derive(Default)]
struct Found {
    nodes: usize,
    agreeing: usize,
    differences: Vec<Difference>,
}

/// A frame's isolated world with the bridge in it.
struct World<'a> {
    browser: &'a mut RawBrowser,
    frame: String,
    context: i64,
}

impl World<'_> {
    fn evaluate(&mut self, expression: &str, by_value: bool) -> Value {
        let params = json!({ "expression": expression, "contextId": self.context, "returnByValue": by_value });
        let evaluated = self.browser.call("Runtime.evaluate", &params);
        assert!(evaluated.get("exceptionDetails").is_none(), "{evaluated}");
        evaluated["result"].clone()
    }

    fn call(&mut self, function: &str, objects: &[String]) -> Value {
        let arguments: Vec<_> = objects.iter().map(|id| json!({ "objectId": id })).collect();
        let params = json!({ "functionDeclaration": function, "executionContextId": self.context, "arguments": arguments, "returnByValue": true });
        let called = self.browser.call("Runtime.callFunctionOn", &params);
        assert!(called.get("exceptionDetails").is_none(), "{called}");
        called["result"]["value"].clone()
    }

    fn resolve(&mut self, nodes: &[Value]) -> Vec<Option<String>> {
        let context = self.context;
        let params = nodes
            .iter()
            .map(|node| json!({ "backendNodeId": node, "executionContextId": context }));
        let resolved = self.browser.call_all("DOM.resolveNode", params);
        resolved
            .into_iter()
            .map(|reply| reply?["object"]["objectId"].as_str().map(str::to_owned))
            .collect()
    }

    /// The lines that a snapshot shows, by the numbers of their elements; closed shadow roots are handed over as an adapter does.
    fn lines(&mut self) -> BTreeMap<u64, String> {
        for _ in 0..5 {
            let text = self.evaluate("__odb.call('snapshot', { next: 1 })", true);
            let answer: Value = serde_json::from_str(text["value"].as_str().unwrap_or_default())
                .expect("an answer is JSON");
            if answer["ok"]["hosts"] == 0 || !self.reveal() {
                return numbered(&answer["ok"]["lines"]);
            }
        }
        panic!("shadow roots are nested too deeply");
    }

    fn reveal(&mut self) -> bool {
        let list = self.evaluate("__odb.hosts()", false)["objectId"].clone();
        let properties = self.browser.call(
            "Runtime.getProperties",
            &json!({ "objectId": list, "ownProperties": true }),
        );
        let hosts = properties["result"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|property| property["value"]["subtype"] == "node");
        let params: Vec<Value> = hosts
            .map(|host| json!({ "objectId": host["value"]["objectId"], "depth": 0 }))
            .collect();
        let described = self
            .browser
            .call_all("DOM.describeNode", params.into_iter());
        let roots = described.iter().flatten().flat_map(|reply| {
            reply["node"]["shadowRoots"]
                .as_array()
                .into_iter()
                .flatten()
        });
        let closed: Vec<Value> = roots
            .filter(|root| root["shadowRootType"] == "closed")
            .map(|root| root["backendNodeId"].clone())
            .collect();
        let roots: Vec<String> = self.resolve(&closed).into_iter().flatten().collect();
        self.call("function (...roots) { __odb.reveal(roots) }", &roots);
        !roots.is_empty()
    }

    fn compare(&mut self, page: &str, found: &mut Found) {
        self.evaluate(ops_runtime::bridge_source(), false);
        let lines = self.lines();
        let tree = self.browser.call(
            "Accessibility.getFullAXTree",
            &json!({ "frameId": self.frame }),
        );
        let shown = |node: &&Value| {
            node["ignored"] == false
                && !TEXT.contains(&node["role"]["value"].as_str().unwrap_or_default())
        };
        let nodes: Vec<&Value> = tree["nodes"]
            .as_array()
            .expect("a tree has nodes")
            .iter()
            .filter(shown)
            .collect();
        let ids: Vec<Value> = nodes
            .iter()
            .map(|node| node["backendDOMNodeId"].clone())
            .collect();
        let objects = self.resolve(&ids);
        let (nodes, objects): (Vec<_>, Vec<_>) = nodes
            .into_iter()
            .zip(objects)
            .filter_map(|(node, object)| Some((node, object?)))
            .unzip();
        let text = self.call(DESCRIBE, &objects);
        let described: Vec<Option<Described>> =
            serde_json::from_str(text.as_str().unwrap_or_default()).expect("descriptions");
        let mut met = BTreeSet::new();
        for (node, described) in nodes.into_iter().zip(described) {
            let Some(described) = described else { continue };
            met.extend(described.number);
            found.take(page, node, &described, &lines);
        }
        for (_, line) in lines
            .iter()
            .filter(|(number, line)| !met.contains(number) && interactive(role_of(line)))
        {
            found.nodes += 1;
            found.differ(
                page,
                line.clone(),
                "shown".to_owned(),
                "not there".to_owned(),
            );
        }
    }
}

impl Found {
    fn take(&mut self, page: &str, node: &Value, ours: &Described, lines: &BTreeMap<u64, String>) {
        let shown = ours
            .number
            .is_some_and(|number| lines.contains_key(&number));
        let role = aria(node["role"]["value"].as_str().unwrap_or_default());
        let name = squeezed(node["name"]["value"].as_str().unwrap_or_default());
        if !(interactive(role) || shown && interactive(&ours.role)) {
            return;
        }
        self.nodes += 1;
        let same_name = ours
            .name
            .strip_suffix('…')
            .map_or(ours.name == name, |start| name.starts_with(start));
        if shown && ours.role == role && same_name {
            self.agreeing += 1;
        } else {
            let seen = if shown { "" } else { ", not shown" };
            self.differ(
                page,
                ours.tag.clone(),
                format!("{} {:?}{seen}", ours.role, ours.name),
                format!("{role} {name:?}"),
            );
        }
    }

    fn differ(&mut self, page: &str, element: String, ours: String, browser: String) {
        self.differences.push(Difference {
            page: page.to_owned(),
            element,
            ours,
            browser,
            reason: String::new(),
        });
    }
}

fn interactive(role: &str) -> bool {
    INTERACTIVE.contains(&role)
}

/// The role of a line such as `- button "Save" [ref=e1]`.
fn role_of(line: &str) -> &str {
    line.trim_start_matches("- ")
        .split([' ', ':'])
        .next()
        .unwrap_or_default()
}

/// Chromium's own names of roles as ARIA has them.
fn aria(role: &str) -> &str {
    match role {
        "DisclosureTriangle" | "DisclosureTriangleGrouped" | "ColorWell" | "ToggleButton" => {
            "button"
        }
        "Date" | "DateTime" | "InputTime" => "textbox",
        other => other,
    }
}

/// White space as the bridge has it.
fn squeezed(text: &str) -> String {
    let text: String = text
        .chars()
        .filter(|c| !matches!(c, '\u{200b}' | '\u{ad}'))
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn numbered(lines: &Value) -> BTreeMap<u64, String> {
    let lines = lines
        .as_array()
        .expect("a snapshot has lines")
        .iter()
        .filter_map(Value::as_str);
    let number = |line: &str| {
        line.rsplit_once("[ref=e")?
            .1
            .split_once(']')?
            .0
            .parse()
            .ok()
    };
    lines
        .filter_map(|line| Some((number(line)?, line.trim().to_owned())))
        .collect()
}

fn frames(tree: &Value, found: &mut Vec<String>) {
    found.push(
        tree["frame"]["id"]
            .as_str()
            .expect("a frame has an id")
            .to_owned(),
    );
    for child in tree["childFrames"].as_array().into_iter().flatten() {
        frames(child, found);
    }
}

fn compare(site: &Site) -> Found {
    let mut browser = RawBrowser::start("/usr/bin/chromium");
    // Where a line breaks shows in some of the names.
    let size = json!({ "width": 1280, "height": 720, "deviceScaleFactor": 1, "mobile": false });
    browser.call("Emulation.setDeviceMetricsOverride", &size);
    let mut found = Found::default();
    for page in PAGES {
        browser.goto(&site.url(&format!("/pages/{page}.html")));
        let mut ids = Vec::new();
        frames(
            &browser.call("Page.getFrameTree", &json!({}))["frameTree"],
            &mut ids,
        );
        for frame in ids {
            let made = browser.call(
                "Page.createIsolatedWorld",
                &json!({ "frameId": frame, "worldName": "odb" }),
            );
            let context = made["executionContextId"]
                .as_i64()
                .expect("a world has a context");
            World {
                browser: &mut browser,
                frame,
                context,
            }
            .compare(page, &mut found);
        }
    }
    found
}

#[test]
fn interactive_nodes_have_the_role_and_name_that_chromium_gives_them() {
    let site = Site::start().expect("the site starts");
    let found = compare(&site);
    let listed: Vec<Difference> =
        serde_json::from_str(include_str!("accessibility.json")).expect("a list of rows");
    assert!(
        listed.iter().all(|row| !row.reason.is_empty()),
        "every difference has a reason"
    );
    let plain = |row: &Difference| Difference {
        reason: String::new(),
        ..row.clone()
    };
    let expected: BTreeSet<Difference> = listed.iter().map(plain).collect();
    let actual: BTreeSet<Difference> = found.differences.iter().cloned().collect();
    let new: Vec<_> = actual.difference(&expected).collect();
    let gone: Vec<_> = expected.difference(&actual).collect();
    assert!(new.is_empty(), "not listed: {new:#?}");
    assert!(gone.is_empty(), "listed, and no such difference: {gone:#?}");
    assert!(found.nodes > 650, "{} nodes were compared", found.nodes);
    assert!(
        found.agreeing * 100 >= found.nodes * 97,
        "{} of {} agree",
        found.agreeing,
        found.nodes
    );
    println!(
        "{} of {} interactive nodes agree",
        found.agreeing, found.nodes
    );
}
