//! The pages on which is measured: one whose button counts, and one of many frames.

use conformance::site::pages::Page;

/// Where it is.
pub(super) const PATH: &str = "/bench/form.html";

/// A page of 20 frames, each with a table.
pub(super) const FRAMES: &str = "/bench/frames.html";

/// The pages, served beside the bundled ones.
pub(super) static PAGES: &[Page] = &[
    Page {
        path: PATH,
        content_type: "text/html; charset=utf-8",
        body: HTML,
    },
    Page {
        path: FRAMES,
        content_type: "text/html; charset=utf-8",
        body: FRAMED,
    },
];

const FRAMED: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Frames</title></head>
<body>
<h1>Frames</h1>
<script>
for (let number = 0; number < 20; number++) {
  const frame = document.createElement('iframe');
  frame.src = '/pages/table.html?rows=170';
  document.body.append(frame);
}
</script>
</body></html>";

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
