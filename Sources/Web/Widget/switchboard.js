// The loader: defines <switchboard-call> with its button. Everything else is fetched when the button is pressed,
// and nothing is stored before that.
(() => {
  const base = new URL('switchboard/', document.currentScript.src);
  const labels = {
    en: { both: 'Talk to us', voice: 'Call us', chat: 'Chat with us', trouble: 'This cannot be loaded. Please try again.' },
    de: { both: 'Sprechen Sie mit uns', voice: 'Anrufen', chat: 'Chat starten', trouble: 'Das lässt sich nicht laden. Bitte noch einmal versuchen.' },
  };
  const phone = 'M6.2 4.5h2.6l1.5 4-2 1.5a11.5 11.5 0 0 0 5.7 5.7l1.5-2 4 1.5v2.6a1.7 1.7 0 0 1-1.8 1.7A15.5 15.5 0 0 1 4.5 6.3a1.7 1.7 0 0 1 1.7-1.8Z';
  const bubble = 'M20 11.5a7.5 7.5 0 0 1-11 6.6L4 19.5l1.5-4.6A7.5 7.5 0 1 1 20 11.5Z M9 11.5h.01M12.5 11.5h.01M16 11.5h.01';
  const style = new CSSStyleSheet();
  style.replaceSync(`
    :host { display: inline-block; font: 400 1rem/1.45 var(--switchboard-font, system-ui, sans-serif);
      --sb-accent: var(--switchboard-accent, #0b6e57); --sb-on-accent: var(--switchboard-on-accent, #fff) }
    :host([hidden]) { display: none }
    :host([placement=corner]) { position: fixed; right: 20px; bottom: 20px; z-index: 2147483000 }
    :host([placement=corner]) slot, :host([placement=corner][busy]) .launcher { display: none }
    .launcher { display: inline-flex; align-items: center; gap: .6em; min-height: 52px; padding: 0 1.4em 0 1.2em; border: 1px solid transparent;
      border-radius: 26px; background: var(--sb-accent); color: var(--sb-on-accent); font: inherit; font-weight: 600; line-height: 1.2;
      cursor: pointer; box-shadow: 0 1px 2px #0003, 0 8px 24px -8px #0006; transition: transform .15s, box-shadow .15s }
    .launcher:hover { transform: translateY(-1px); box-shadow: 0 2px 4px #0003, 0 12px 28px -8px #0007 }
    .launcher:focus-visible { outline: 3px solid var(--sb-accent); outline-offset: 3px }
    .launcher[aria-busy=true] { opacity: .8; cursor: progress }
    .launcher svg { width: 22px; height: 22px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.9;
      stroke-linecap: round; stroke-linejoin: round }
    .trouble { margin: .5em 0 0; font-size: .9rem }
    ::slotted(a) { display: inline-block; padding: 4px 0 }
    slot { display: block; margin-top: .6em; font-size: .9rem }
    @media (prefers-reduced-motion: reduce) { .launcher { transition: none } }`);

  customElements.define('switchboard-call', class extends HTMLElement {
    #panel;

    connectedCallback() {
      if (this.shadowRoot) return;
      const root = this.attachShadow({ mode: 'open' });
      root.adoptedStyleSheets = [style];
      const channels = this.getAttribute('channels');
      const kind = channels === 'voice' || channels === 'chat' ? channels : 'both';
      const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
      svg.setAttribute('viewBox', '0 0 24 24');
      svg.setAttribute('aria-hidden', 'true');
      const path = document.createElementNS(svg.namespaceURI, 'path');
      path.setAttribute('d', kind === 'chat' ? bubble : phone);
      svg.append(path);
      const words = document.createElement('span');
      words.textContent = this.getAttribute('label') || labels[this.language][kind];
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'launcher';
      button.setAttribute('aria-haspopup', 'dialog');
      button.append(svg, words);
      button.addEventListener('click', () => this.open());
      root.append(button, document.createElement('slot'));
      let stored;
      try { stored = sessionStorage.getItem('switchboard:' + this.getAttribute('entry')); } catch { /* no storage, no resuming */ }
      if (stored) this.open(stored);
    }

    get language() {
      const asked = (this.closest('[lang]')?.lang || navigator.language || 'en').slice(0, 2).toLowerCase();
      return labels[asked] ? asked : 'en';
    }

    async open(stored) {
      if (this.#panel) return this.#panel.show();
      const root = this.shadowRoot;
      const button = root.querySelector('.launcher');
      if (button.getAttribute('aria-busy') === 'true') return;
      button.setAttribute('aria-busy', 'true');
      root.querySelector('.trouble')?.remove();
      try {
        const files = ['widget.js', this.language + '.js'].map((file) => import(new URL(file, base).href));
        const [{ mount }, { default: texts }] = await Promise.all(files);
        this.#panel = await mount(this, base, texts, stored);
      } catch {
        const note = document.createElement('p');
        note.className = 'trouble';
        note.setAttribute('role', 'alert');
        note.textContent = labels[this.language].trouble;
        button.after(note);
      }
      button.removeAttribute('aria-busy');
    }
  });
})();
