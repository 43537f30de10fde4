  // ------------------------------------------------------------------ what the page sees of its device
  function environment() {
    const nav = globalThis.navigator;
    const is = (query) => globalThis.matchMedia(query).matches;
    const either = (feature, values) => values.find((value) => is(`(${feature}: ${value})`)) || 'no-preference';
    const intl = new Intl.DateTimeFormat().resolvedOptions();
    return {
      width: globalThis.innerWidth, height: globalThis.innerHeight, scale: globalThis.devicePixelRatio,
      touch: nav.maxTouchPoints > 0, mobile: nav.userAgentData ? nav.userAgentData.mobile : null,
      locale: intl.locale, timezone: intl.timeZone, language: nav.language, languages: Array.from(nav.languages || []),
      userAgent: nav.userAgent, platform: nav.platform,
      colorScheme: is('(prefers-color-scheme: dark)') ? 'dark' : 'light', reducedMotion: is('(prefers-reduced-motion: reduce)'),
      forcedColors: is('(forced-colors: active)'), contrast: either('prefers-contrast', ['more', 'less', 'custom']),
      media: is('print') ? 'print' : 'screen',
    };
  }
  // Whether this browser knows a timezone and a locale, before it is told to take them.
  function knows(args) {
    const valid = (make) => { try { make(); return true; } catch (e) { return false; } };
    return {
      timezone: typeof args.timezone === 'string' ? canonicalZone(args.timezone) : null,
      locale: typeof args.locale !== 'string' || (valid(() => Intl.getCanonicalLocales(args.locale)) && Intl.DateTimeFormat.supportedLocalesOf([args.locale]).length > 0),
    };
  }
  function canonicalZone(timeZone) {
    try { return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone; } catch (e) { return null; }
  }
  async function permissions(args) {
    const states = {};
    for (const name of args.names) {
      try { states[name] = (await globalThis.navigator.permissions.query({ name })).state; } catch (e) { states[name] = 'unknown'; }
    }
    return { origin: globalThis.origin, states };
  }
