  // ------------------------------------------------------------------ small helpers
  class Fail {
    constructor(code, message, details) {
      this.code = code;
      this.message = message;
      this.details = details || {};
    }
  }
  const set = (words) => new Set(words.split(' '));
  const MAX_TEXT = 200;
  const collapse = (s) => {
    const t = s.replace(/[\s\u200b\u00ad\u0000-\u001f\u007f]+/g, squeeze);
    return t.trim();
  };
  // Zero-width and soft-hyphen characters vanish, real white space becomes one blank.
  const squeeze = (run) => (/\s|[\u0000-\u001f]/.test(run) ? ' ' : '');
  const PLAIN = /^[!-~]+(?: [!-~]+)*$/;
  const norm = (s) => (s === '' || PLAIN.test(s) ? s : collapse(s));
  const cut = (s, max = MAX_TEXT) => {
    if (s.length <= max) return s;
    const end = /[\ud800-\udbff]/.test(s[max - 1]) ? max - 1 : max;
    return s.slice(0, end) + '…';
  };
  const quote = (s) => JSON.stringify(cut(s));
  const round = (n) => Math.round(n * 100) / 100;
  const rectJson = (r) => ({ x: round(r.left), y: round(r.top), width: round(r.right - r.left), height: round(r.bottom - r.top) });
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const viewport = () => {
    const root = D.scrollingElement(doc) || D.root(doc);
    const w = root ? clientWidth(root) : innerWidth;
    const h = root ? clientHeight(root) : innerHeight;
    return { w: w || innerWidth, h: h || innerHeight };
  };
  // Resolves once the tasks queued now have run, those of other task sources too: a form is submitted in a task of its own.
  const queuedTasks = async () => {
    await nextTask();
    await new Promise((done) => setTimeout(done, 0));
    await nextTask();
  };
  // A background page fires no frames: the timer bounds the wait.
  const nextFrame = () => new Promise((done) => {
    const timer = setTimeout(done, 100);
    requestAnimationFrame(() => { clearTimeout(timer); done(); });
  });

  // Facts about elements that hold for the duration of one synchronous piece of work.
  let cache;
  const freshCache = () => { cache = { role: new Map(), name: new Map(), labels: new Map(), owners: new Map(), modal: undefined, pseudo: undefined }; };
  freshCache();
