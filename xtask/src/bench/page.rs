//! The page on which clicking and filling are measured: far enough down that it has to be scrolled to, and it counts.

use conformance::site::pages::Page;

/// Where it is.
pub(super) const PATH: &str = "/bench/form.html";

/// The page, served beside the bundled ones.
pub(super) static PAGES: &[Page] = &[Page { path: PATH, content_type: "text/html; charset=utf-8", body: HTML }];

const HTML: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Bench</title></head>
<body>
<h1>Bench</h1>
<p><label>Field <input id=\"field\"></label></p>
<p><button id=\"hit\" type=\"button\">Hit</button> <output id=\"count\">0</output></p>
<script>
let clicks = 0;
document.getElementById('hit').addEventListener('click', () => { document.getElementById('count').textContent = ++clicks; });
</script>
</body></html>";
