// The panel's looks, as a constructed stylesheet: a strict Content-Security-Policy forbids inline styles.
const light = `color-scheme: light; --sb-ground: #fff; --sb-ink: #16211d; --sb-soft: #55625d; --sb-line: #d9e1de; --sb-tint: #f4f7f6;
  --sb-bubble: #eef3f1; --sb-warn: #7a4b00; --sb-warn-ground: #fff4dc; --sb-bad: #b3261e; --sb-bad-fill: #c62f28;
  --sb-shadow: 0 0 0 1px #0c1f190f, 0 24px 60px -12px #0c1f1959; --sb-edge: var(--sb-accent); --sb-wash: 12%`;
const dark = `color-scheme: dark; --sb-ground: #141a18; --sb-ink: #e9f0ed; --sb-soft: #a6b3af; --sb-line: #313c38; --sb-tint: #1b2320;
  --sb-bubble: #242e2b; --sb-warn: #ffd591; --sb-warn-ground: #3a2c10; --sb-bad: #ffb4ab; --sb-bad-fill: #c5362e;
  --sb-shadow: 0 0 0 1px #ffffff14, 0 24px 60px -12px #000c; --sb-edge: var(--sb-bright); --sb-wash: 20%`;

export const style = new CSSStyleSheet();
style.replaceSync(`
.panel, .pill { ${light}; --sb-bright: color-mix(in oklab, var(--sb-accent), white 45%) }
@supports (color: oklch(from red l c h)) { .panel, .pill { --sb-bright: oklch(from var(--sb-accent) .8 c h) } }
@media (prefers-color-scheme: dark) { .panel, .pill { ${dark} } }
:host([theme=light]) :is(.panel, .pill) { ${light} }
:host([theme=dark]) :is(.panel, .pill) { ${dark} }
.panel, .panel *, .pill { box-sizing: border-box }
.panel { position: fixed; right: 20px; bottom: 20px; z-index: 2147483001; display: flex; flex-direction: column;
  width: min(384px, calc(100vw - 40px)); height: min(600px, calc(100dvh - 40px)); max-height: calc(100dvh - 40px); overflow: hidden; border-radius: var(--switchboard-radius, 20px);
  background: var(--sb-ground); color: var(--sb-ink); box-shadow: var(--sb-shadow); font: 400 15px/1.45 var(--switchboard-font, system-ui, sans-serif);
  text-align: start; animation: rise .18s ease-out }
.panel[hidden], .panel [hidden], .pill[hidden], .pill [hidden] { display: none !important }
@keyframes rise { from { opacity: 0; transform: translateY(12px) } }
.panel :is(button, input, textarea) { font: inherit; color: inherit }
.panel button, .pill { cursor: pointer }
.panel :focus-visible, .pill:focus-visible { outline: 3px solid var(--sb-edge); outline-offset: 2px }
.icon { width: 20px; height: 20px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.9; stroke-linecap: round; stroke-linejoin: round }
p { margin: 0 }
.panel[data-view=call] { height: min(520px, calc(100dvh - 40px)) }
.panel[data-view=start] { height: auto }

header { display: flex; flex: none; align-items: center; gap: 12px; min-height: 64px; padding: 10px 10px 10px 16px;
  background: var(--sb-accent); color: var(--sb-on-accent) }
header :focus-visible { outline-color: var(--sb-on-accent) !important; outline-offset: -4px !important }
.face { position: relative; display: grid; place-items: center; width: 38px; height: 38px; flex: none; border-radius: 50%;
  background: color-mix(in srgb, var(--sb-on-accent) 13%, transparent); font-weight: 650 }
.face.here::after { content: ''; position: absolute; right: 0; bottom: 0; width: 11px; height: 11px; border-radius: 50%;
  background: #5fe3a1; border: 2px solid var(--sb-accent) }
.titles { flex: 1; min-width: 0 }
h2 { margin: 0; font: inherit; font-weight: 650; font-size: 1.05rem; line-height: 1.25; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.subtitle { margin: 1px 0 0; font-size: .82rem; line-height: 1.3; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
header button { display: grid; place-items: center; width: 44px; height: 44px; flex: none; border: 0; border-radius: 12px; background: none; color: inherit }
header button:first-child { margin: 0 -6px 0 -8px }
header button:hover { background: color-mix(in srgb, var(--sb-on-accent) 16%, transparent) }

.banner { display: flex; flex: none; gap: 10px; align-items: center; padding: 9px 18px; background: var(--sb-warn-ground); color: var(--sb-warn); font-size: .86rem; font-weight: 550 }
.pulse { width: 9px; height: 9px; flex: none; border-radius: 50%; background: currentColor; animation: pulse 1.2s infinite ease-in-out }
@keyframes pulse { 50% { opacity: .25 } }
.body { flex: 1; min-height: 0; display: flex; flex-direction: column; overflow-y: auto; overscroll-behavior: contain; padding: 18px 18px 10px }
.foot { flex: none; padding: 8px 16px 14px; display: grid; gap: 10px }
.foot > :only-child { margin-top: 6px }
.lead { color: var(--sb-ink); font-weight: 640; text-wrap: balance }
.more { color: var(--sb-soft); text-wrap: pretty }

/* The call, and everything before there is one. */
.call { flex: 1; display: flex; flex-direction: column }
.stage { margin: auto 0; display: flex; flex-direction: column; align-items: center; gap: 6px; text-align: center }
.stage .lead { font-size: 1.3rem; line-height: 1.25; letter-spacing: -.01em }
.stage .more { max-width: 20em; font-variant-numeric: tabular-nums }
.picture { position: relative; display: grid; place-items: center; width: 96px; height: 96px; margin: 14px 0 20px; border-radius: 50%;
  background: color-mix(in oklab, var(--sb-edge) var(--sb-wash), var(--sb-ground)); color: var(--sb-edge); font-size: 2.3rem; font-weight: 600 }
.picture .icon { width: 38px; height: 38px; stroke-width: 1.5 }
.picture span { display: grid; place-items: center }
.picture::before { content: ''; position: absolute; inset: 0; z-index: -1; border-radius: 50%; background: color-mix(in oklab, var(--sb-edge) 9%, var(--sb-ground));
  transform: scale(calc(1 + .38 * var(--level, 0))); transition: transform .09s linear }
.picture::after { content: ''; position: absolute; inset: -7px; border: 3px solid transparent; border-radius: 50% }
.stage { position: relative; z-index: 0 }
:is([data-state=loading], [data-state=checking], [data-state=connecting], [data-state=offering]) .picture::after {
  border-top-color: var(--sb-edge); animation: turn 1.1s linear infinite }
@keyframes turn { to { transform: rotate(1turn) } }
[data-state=talking] .picture { background: var(--sb-accent); color: var(--sb-on-accent) }
[data-state=talking] .picture::before { background: color-mix(in oklab, var(--sb-edge) 26%, var(--sb-ground)) }
:is([data-state=denied], [data-state=missing], [data-state=busy], [data-state=insecure], [data-state=unsupported], [data-state=failed]) .picture {
  background: color-mix(in oklab, var(--sb-bad) var(--sb-wash), var(--sb-ground)); color: var(--sb-bad) }
:is([data-state=idle], [data-keypad]) .picture { display: none }
[data-state=idle] .stage { margin: 0; align-items: stretch; text-align: start }
[data-state=idle] .stage .lead { font-size: 1.5rem; margin-top: 6px }
[data-state=idle] .stage .more { max-width: none }
.time { font-size: 1.05rem; color: var(--sb-soft); font-variant-numeric: tabular-nums }
.levels { display: grid; gap: 10px; width: min(230px, 100%); margin-top: 16px }
.meter { display: flex; align-items: center; gap: 10px; color: var(--sb-soft) }
.meter .icon { width: 18px; height: 18px }
.meter [role=meter] { flex: 1; height: 6px; border-radius: 3px; overflow: hidden; background: var(--sb-line) }
.meter i { display: block; height: 100%; border-radius: 3px; background: var(--sb-edge); transform-origin: 0; transform: scaleX(var(--level, 0)); transition: transform .08s linear }
.panel :dir(rtl) .meter i { transform-origin: 100% }
.hint { max-width: 21em; margin-top: 10px; font-size: .88rem; color: var(--sb-warn); font-weight: 550 }
.hint:empty, .sent:empty { display: none }
.steps { display: grid; gap: 8px; width: min(260px, 100%); margin-top: 18px }
.choices { display: grid; gap: 12px; margin-top: 16px }
.choice { display: flex; align-items: center; gap: 14px; width: 100%; min-height: 76px; padding: 12px 16px; border: 1px solid var(--sb-line); border-radius: 18px;
  background: var(--sb-ground); text-align: start; transition: border-color .15s, background .15s }
.choice:hover { border-color: var(--sb-edge); background: var(--sb-tint) }
.choice .titles { display: grid; gap: 1px }
.choice b { font-weight: 640; font-size: 1.04rem }
.choice .titles span { color: var(--sb-soft); font-size: .88rem; line-height: 1.35 }
.disc .icon { width: 23px; height: 23px }
.disc { display: grid; place-items: center; width: 48px; height: 48px; flex: none; border-radius: 50%; background: color-mix(in oklab, var(--sb-edge) var(--sb-wash), var(--sb-ground)); color: var(--sb-edge) }
.choice:first-child .disc { background: var(--sb-accent); color: var(--sb-on-accent) }
.controls { display: flex; justify-content: center; gap: clamp(6px, 5%, 22px); padding-bottom: 4px }
.control { display: grid; justify-items: center; align-content: start; gap: 5px; min-width: 72px; padding: 4px 2px; border: 0; border-radius: 14px; background: none; font-size: .8rem !important; line-height: 1.2 !important }
.control .disc { width: 54px; height: 54px; background: var(--sb-bubble); color: var(--sb-ink); transition: background .15s }
.control.danger .icon { width: 27px; height: 27px }
.control:focus-visible { outline: none !important }
.control:focus-visible .disc { outline: 3px solid var(--sb-edge); outline-offset: 3px }
.control:hover .disc { background: var(--sb-line) }
.control:is([aria-pressed=true], [aria-expanded=true]) .disc { background: var(--sb-ink); color: var(--sb-ground) }
.control.danger .disc { background: var(--sb-bad-fill); color: #fff }
.control.danger:hover .disc { background: color-mix(in srgb, var(--sb-bad-fill), black 12%) }
.control:disabled { opacity: .45; cursor: default }
.control .icon[data-name=keypad] { stroke-width: 2.8 }
.keypad { display: grid; justify-items: center; gap: 10px; margin: auto 0 }
.keys { display: grid; grid-template-columns: repeat(3, 64px); gap: 8px 14px }
.keys button { height: 50px; border: 0; border-radius: 25px; background: var(--sb-bubble); font-size: 1.25rem; font-weight: 550; font-variant-numeric: tabular-nums }
.keys button:hover { background: var(--sb-line) }
.sent { font-size: .88rem; color: var(--sb-soft); font-variant-numeric: tabular-nums }

/* The chat. */
.body > .chat { flex: 1; display: flex; flex-direction: column; gap: 14px }
.foot > .chat { display: grid; gap: 8px }
.card { border: 1px solid var(--sb-line); border-radius: 16px; background: var(--sb-tint); padding: 16px; display: grid; gap: 4px; justify-items: start }
.card .more { font-size: .92rem; font-variant-numeric: tabular-nums }
.card .lead { display: flex; gap: 10px; align-items: center }
.card .button { margin-top: 10px }
.dots { display: inline-flex; gap: 4px; color: var(--sb-edge) }
.dots i { width: 7px; height: 7px; border-radius: 50%; background: currentColor; animation: pulse 1.2s infinite ease-in-out }
.dots i:nth-child(2) { animation-delay: .15s } .dots i:nth-child(3) { animation-delay: .3s }
.welcome .lead { margin: 6px 0; font-size: 1.5rem; line-height: 1.25; letter-spacing: -.01em }
.log { display: flex; flex-direction: column; gap: 4px }
.message { display: flex; flex-direction: column; align-items: flex-start; max-width: 84%; margin-top: 6px }
.message.follows { margin-top: 0 }
.message.follows .who { display: none }
.who { margin: 0 4px 2px; font-size: .78rem; color: var(--sb-soft) }
.text { padding: 9px 13px; border-radius: 16px 16px 16px 5px; background: var(--sb-bubble); white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext }
.message.visitor { align-self: flex-end; align-items: flex-end }
.message.visitor .text { border-radius: 16px 16px 5px 16px; background: var(--sb-accent); color: var(--sb-on-accent) }
.message.system { align-self: center; max-width: 100% }
.message.system .text { background: none; color: var(--sb-soft); font-size: .84rem; text-align: center; padding: 4px }
.note { margin: 3px 4px 0; font-size: .78rem; color: var(--sb-soft) }
.note.bad { color: var(--sb-bad); font-weight: 600 }
.note button { min-height: 24px; border: 0; padding: 4px; background: none; text-decoration: underline; font-weight: 600 }
.field { display: block; width: 100%; min-height: 44px; padding: 10px 14px; border: 1px solid var(--sb-line); border-radius: 14px; background: var(--sb-tint) }
:is(.field, textarea)::placeholder { color: var(--sb-soft); opacity: 1 }
.panel .field:focus-visible, .panel .compose:focus-within { outline: 2px solid var(--sb-edge); outline-offset: 0; border-color: transparent }
.compose { display: flex; align-items: flex-end; gap: 6px; border: 1px solid var(--sb-line); border-radius: 22px; background: var(--sb-tint); padding: 4px }
.compose textarea { flex: 1; min-width: 0; height: 44px; max-height: 132px; padding: 10px 6px 10px 14px; border: 0; background: none; resize: none; outline: none !important }
.compose button { display: grid; place-items: center; width: 44px; height: 44px; flex: none; border: 0; border-radius: 50%; background: var(--sb-accent); color: var(--sb-on-accent) }
.compose button:disabled { background: var(--sb-line); color: var(--sb-soft); cursor: default }
.button { min-height: 44px; padding: 8px 18px; border: 0; border-radius: 22px; background: var(--sb-accent); color: var(--sb-on-accent) !important; font-weight: 620 !important; line-height: 1.25 !important }
.button:hover { background: color-mix(in srgb, var(--sb-accent), black 12%) }
.button.quiet { background: none; color: var(--sb-ink) !important; box-shadow: inset 0 0 0 1px var(--sb-line) }
.button.quiet:hover { background: var(--sb-tint) }
form { display: grid; gap: 8px; margin: 0 }
.count:empty { display: none }
.ask { display: flex; flex-wrap: wrap; gap: 8px; align-items: center }
.ask p { flex: 1 1 100%; font-weight: 620 }

.phone { padding: 0 6px; font-size: .86rem; color: var(--sb-soft); text-align: center }
.phone a { color: var(--sb-edge); font-weight: 600; display: inline-block; padding: 3px 0 }
.pill { position: fixed; right: 20px; bottom: 20px; z-index: 2147483001; display: flex; align-items: center; gap: 10px; max-width: calc(100vw - 40px); min-height: 48px;
  padding: 8px 18px; border: 1px solid transparent; border-radius: 24px; background: var(--sb-ink); color: var(--sb-ground); box-shadow: var(--sb-shadow);
  font: 600 15px/1.3 var(--switchboard-font, system-ui, sans-serif); font-variant-numeric: tabular-nums }
.pill .pulse { color: #27ae77 }
.badge { padding: 3px 8px; border-radius: 11px; background: #c2255c; color: #fff; font-size: .8rem }
.hush { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }

@media (max-width: 480px) {
  .panel, .panel[data-view] { inset: 0; width: 100%; height: 100dvh; max-height: none; border-radius: 0 }
  .body { padding: 14px 14px 8px }
  .foot { padding: 8px 12px max(12px, env(safe-area-inset-bottom)) }
}
@media (max-height: 440px) {
  header { min-height: 52px; padding-block: 4px }
  .panel { bottom: 8px; max-height: calc(100dvh - 16px) }
  .panel[data-view=call] { height: calc(100dvh - 16px) }
  .picture { display: none }
  .body { padding-block: 10px 4px }
  .foot { padding-block: 4px 8px; gap: 4px }
  .choices { margin-top: 10px; gap: 8px }
  .choice { min-height: 60px; padding-block: 6px }
  .steps, .levels { margin-top: 8px }
  .control { grid-auto-flow: column; align-items: center; gap: 8px; padding-inline: 4px 10px }
  .control .disc { width: 44px; height: 44px }
  .keys { grid-template-columns: repeat(6, minmax(40px, 64px)); gap: 8px }
}
@media (prefers-reduced-motion: reduce) {
  .panel, .pulse, .dots i, .picture::after { animation: none !important }
  .picture::before, .meter i, .choice, .control .disc { transition: none }
}
@media (forced-colors: active) {
  .panel, .pill, .text, .compose, .field, .card, .choice, .button, .picture, .control .disc, .keys button, .meter [role=meter] { border: 1px solid CanvasText !important }
  .meter i { background: Highlight; forced-color-adjust: none }
  .control:is([aria-pressed=true], [aria-expanded=true]) .disc { background: Highlight; color: HighlightText; forced-color-adjust: none }
}
`);
