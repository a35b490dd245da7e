// The loader: defines <switchboard-call> with its button. Everything else is fetched when the button is pressed,
// and nothing is stored before that.
(() => {
  const base = new URL('switchboard/', document.currentScript.src);
  const labels = { en: 'Chat with us', de: 'Chat starten' };
  const troubles = {
    en: 'The chat cannot be loaded. Please try again.', de: 'Der Chat lässt sich nicht laden. Bitte noch einmal versuchen.',
  };
  const style = new CSSStyleSheet();
  style.replaceSync(`
    :host { display: inline-block; font: 400 1rem/1.45 system-ui, sans-serif; --sb-accent: var(--switchboard-accent, #0b6e57);
      --sb-on-accent: var(--switchboard-on-accent, #fff) }
    :host([hidden]) { display: none }
    :host([placement=corner]) { position: fixed; right: 20px; bottom: 20px; z-index: 2147483000 }
    :host([placement=corner]) slot { display: none }
    .launcher { display: inline-flex; align-items: center; gap: .6em; min-height: 52px; padding: 0 22px 0 18px; border: 0;
      border-radius: 26px; background: var(--sb-accent); color: var(--sb-on-accent); font: 600 1rem/1 system-ui, sans-serif;
      cursor: pointer; box-shadow: 0 1px 2px #0003, 0 8px 24px -8px #0006; transition: transform .15s, box-shadow .15s }
    .launcher:hover { transform: translateY(-1px); box-shadow: 0 2px 4px #0003, 0 12px 28px -8px #0007 }
    .launcher:focus-visible { outline: 3px solid var(--sb-accent); outline-offset: 3px }
    .launcher[aria-busy=true] { opacity: .75; cursor: progress }
    .launcher svg { width: 22px; height: 22px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.9;
      stroke-linecap: round; stroke-linejoin: round }
    .note { margin: .5em 0 0; font-size: .9rem }
    slot { display: block; margin-top: .5em; font-size: .9rem }
    @media (prefers-reduced-motion: reduce) { .launcher { transition: none } }`);

  customElements.define('switchboard-call', class extends HTMLElement {
    #panel;

    connectedCallback() {
      if (this.shadowRoot) return;
      const root = this.attachShadow({ mode: 'open' });
      root.adoptedStyleSheets = [style];
      const make = (name, text) => {
        const element = document.createElement(name);
        if (text) element.textContent = text;
        return element;
      };
      const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
      svg.setAttribute('viewBox', '0 0 24 24');
      svg.setAttribute('aria-hidden', 'true');
      const path = document.createElementNS(svg.namespaceURI, 'path');
      path.setAttribute('d', 'M20 11.5a7.5 7.5 0 0 1-11 6.6L4 19.5l1.5-4.6A7.5 7.5 0 1 1 20 11.5Z M9 11.5h.01M12.5 11.5h.01M16 11.5h.01');
      svg.append(path);
      const button = make('button');
      button.type = 'button';
      button.className = 'launcher';
      button.setAttribute('aria-haspopup', 'dialog');
      button.append(svg, make('span', this.getAttribute('label') || labels[this.language]));
      button.addEventListener('click', () => this.open());
      root.append(button, make('slot'));
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
      root.querySelector('.note')?.remove();
      try {
        const { mount } = await import(new URL('widget.js', base).href);
        this.#panel = await mount(this, base, stored);
      } catch {
        const note = document.createElement('p');
        note.className = 'note';
        note.setAttribute('role', 'alert');
        note.textContent = troubles[this.language];
        button.after(note);
      }
      button.removeAttribute('aria-busy');
    }
  });
})();
