// The panel's looks, as a constructed stylesheet: a strict Content-Security-Policy forbids inline styles.
const light = `color-scheme: light; --sb-ground: #fff; --sb-ink: #16211d; --sb-soft: #5b6864; --sb-line: #dfe6e3; --sb-tint: #f3f7f5;
  --sb-bubble: #eef3f1; --sb-warn: #7a4b00; --sb-warn-ground: #fff4dc; --sb-bad: #b3261e; --sb-shadow: 0 0 0 1px #0c1f190f, 0 24px 60px -12px #0c1f1959;
  --sb-fill: var(--sb-accent); --sb-on-fill: var(--sb-on-accent); --sb-edge: var(--sb-accent)`;
const dark = `color-scheme: dark; --sb-ground: #141a18; --sb-ink: #e9f0ed; --sb-soft: #a0aeaa; --sb-line: #2b3532; --sb-tint: #1a2220;
  --sb-bubble: #232d2a; --sb-warn: #ffd591; --sb-warn-ground: #3a2c10; --sb-bad: #ffb4ab; --sb-shadow: 0 0 0 1px #ffffff14, 0 24px 60px -12px #000c;
  --sb-fill: var(--switchboard-accent, #0b6e57); --sb-on-fill: var(--switchboard-on-accent, #fff); --sb-edge: color-mix(in oklab, var(--sb-fill), white 45%)`;

export const style = new CSSStyleSheet();
style.replaceSync(`
.panel { ${light} }
@media (prefers-color-scheme: dark) { .panel { ${dark} } }
:host([theme=light]) .panel { ${light} }
:host([theme=dark]) .panel { ${dark} }
.panel, .panel * { box-sizing: border-box }
.panel { position: fixed; right: 20px; bottom: 20px; z-index: 2147483001; display: flex; flex-direction: column;
  width: min(384px, calc(100vw - 40px)); height: min(620px, calc(100dvh - 40px)); overflow: hidden; border-radius: 20px;
  background: var(--sb-ground); color: var(--sb-ink); box-shadow: var(--sb-shadow); font: 400 15px/1.45 system-ui, sans-serif;
  text-align: start; animation: rise .18s ease-out }
.panel[hidden], .panel [hidden] { display: none !important }
@keyframes rise { from { opacity: 0; transform: translateY(12px) } }
.panel button, .panel input, .panel textarea { font: inherit; color: inherit }
.panel button { cursor: pointer }
.panel :focus-visible { outline: 3px solid var(--sb-edge); outline-offset: 2px }
.icon { width: 20px; height: 20px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.9; stroke-linecap: round; stroke-linejoin: round }

header { display: flex; align-items: center; gap: 12px; min-height: 68px; padding: 10px 10px 10px 18px;
  background: var(--sb-fill); color: var(--sb-on-fill) }
header :focus-visible { outline-color: var(--sb-on-fill) }
.face { position: relative; display: grid; place-items: center; width: 40px; height: 40px; flex: none; border-radius: 50%;
  background: color-mix(in srgb, var(--sb-on-fill) 18%, transparent); font-weight: 650 }
.face.here::after { content: ''; position: absolute; right: 0; bottom: 0; width: 11px; height: 11px; border-radius: 50%;
  background: #5fe3a1; border: 2px solid var(--sb-fill) }
.titles { flex: 1; min-width: 0 }
h2 { margin: 0; font: 650 1.02rem/1.25 system-ui, sans-serif; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.subtitle { margin: 1px 0 0; font-size: .82rem; line-height: 1.3; opacity: .92; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
header button { display: grid; place-items: center; width: 44px; height: 44px; flex: none; border: 0; border-radius: 12px; background: none; color: inherit }
header button:hover { background: color-mix(in srgb, var(--sb-on-fill) 16%, transparent) }

.banner { display: flex; gap: 10px; align-items: center; padding: 9px 18px; background: var(--sb-warn-ground); color: var(--sb-warn); font-size: .86rem; font-weight: 550 }
.pulse { width: 9px; height: 9px; flex: none; border-radius: 50%; background: currentColor; animation: pulse 1.2s infinite ease-in-out }
@keyframes pulse { 50% { opacity: .25 } }

.body { flex: 1; min-height: 0; display: flex; flex-direction: column; overflow-y: auto; overscroll-behavior: contain; padding: 18px 18px 8px; gap: 14px }
.card { border: 1px solid var(--sb-line); border-radius: 16px; background: var(--sb-tint); padding: 16px; display: grid; gap: 4px; justify-items: start }
.card p { margin: 0; color: var(--sb-soft); font-size: .9rem }
.card .lead { color: var(--sb-ink); font-weight: 620; font-size: 1rem; display: flex; gap: 10px; align-items: center }
.card .wait { color: var(--sb-ink); font-variant-numeric: tabular-nums }
.card .button { margin-top: 10px }
.dots { display: inline-flex; gap: 4px; color: var(--sb-edge) }
.dots i { width: 7px; height: 7px; border-radius: 50%; background: currentColor; animation: pulse 1.2s infinite ease-in-out }
.dots i:nth-child(2) { animation-delay: .15s } .dots i:nth-child(3) { animation-delay: .3s }
.welcome { padding: 4px 2px }
.welcome p { margin: 0; color: var(--sb-soft) }
.welcome .lead { margin: 0 0 6px; color: var(--sb-ink); font-size: 1.35rem; line-height: 1.25; font-weight: 680; letter-spacing: -.01em; text-wrap: balance }

.log { display: flex; flex-direction: column; gap: 4px; margin: 0; padding: 0; list-style: none }
.message { display: flex; flex-direction: column; align-items: flex-start; max-width: 84%; margin-top: 6px }
.message.follows { margin-top: 0 }
.message.follows .who { display: none }
.who { margin: 0 4px 2px; font-size: .76rem; color: var(--sb-soft) }
.text { margin: 0; padding: 9px 13px; border-radius: 16px 16px 16px 5px; background: var(--sb-bubble); white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext }
.message.visitor { align-self: flex-end; align-items: flex-end }
.message.visitor .text { border-radius: 16px 16px 5px 16px; background: var(--sb-fill); color: var(--sb-on-fill) }
.message.system { align-self: center; max-width: 100% }
.message.system .text { background: none; color: var(--sb-soft); font-size: .84rem; text-align: center; padding: 4px }
.message.pending .text { opacity: .85 }
.note { margin: 3px 4px 0; font-size: .76rem; color: var(--sb-soft) }
.note.bad { color: var(--sb-bad); font-weight: 600 }
.note button { border: 0; padding: 4px; background: none; text-decoration: underline; font-weight: 600 }

.foot { padding: 8px 14px 14px; display: grid; gap: 8px }
.field { display: block; width: 100%; min-height: 44px; padding: 10px 14px; border: 1px solid var(--sb-line); border-radius: 14px; background: var(--sb-tint) }
.field::placeholder { color: var(--sb-soft); opacity: 1 }
.panel .field:focus-visible, .panel .compose:focus-within { outline: 2px solid var(--sb-edge); outline-offset: 0; border-color: transparent }
.compose { display: flex; align-items: flex-end; gap: 6px; border: 1px solid var(--sb-line); border-radius: 22px; background: var(--sb-tint); padding: 4px }
.compose textarea { flex: 1; min-width: 0; height: 44px; max-height: 132px; padding: 10px 6px 10px 14px; border: 0; background: none; resize: none; outline: none !important }
.compose textarea::placeholder { color: var(--sb-soft); opacity: 1 }
.compose button { display: grid; place-items: center; width: 44px; height: 44px; flex: none; border: 0; border-radius: 50%; background: var(--sb-fill); color: var(--sb-on-fill) }
.compose button:disabled { background: var(--sb-line); color: var(--sb-soft); cursor: default }
.button { min-height: 44px; padding: 0 18px; border: 0; border-radius: 22px; background: var(--sb-fill); color: var(--sb-on-fill) !important; font-weight: 620 !important }
.button.quiet { background: none; color: var(--sb-ink) !important; box-shadow: inset 0 0 0 1px var(--sb-line) }
form { display: grid; gap: 8px; margin: 0 }
.panel .count:empty { display: none }
.ask { display: flex; flex-wrap: wrap; gap: 8px; align-items: center }
.ask p { flex: 1 1 100%; margin: 0; font-weight: 620 }
.phone { margin: 0; padding: 0 6px; font-size: .84rem; color: var(--sb-soft); text-align: center }
.phone a { color: var(--sb-edge); font-weight: 600; display: inline-block; padding: 2px 0 }
.badge { position: absolute; top: -6px; right: -4px; min-width: 22px; padding: 4px 7px; border-radius: 11px; background: #c2255c; color: #fff; font: 700 .75rem/1.2 system-ui, sans-serif }
.launcher { position: relative }
.hush { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }

@media (max-width: 480px) {
  .panel { inset: 0; width: 100%; height: 100dvh; border-radius: 0 }
  .body { padding: 14px 14px 6px }
  .foot { padding: 6px 10px max(10px, env(safe-area-inset-bottom)) }
}
@media (prefers-reduced-motion: reduce) { .panel, .pulse, .dots i { animation: none } }
@media (forced-colors: active) { .panel, .text, .compose, .field, .card { border: 1px solid CanvasText } }
`);
