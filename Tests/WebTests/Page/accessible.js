// The main rules of WCAG 2.2 AA that a program can check, over what is on screen: names, roles, language, focus,
// contrast as rendered, target size, live regions. `faults(root)` lists what breaks them.
(() => {
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest('.hush');

  function* elements(root) {
    for (const element of root.querySelectorAll('*')) {
      yield element;
      if (element.shadowRoot) yield* elements(element.shadowRoot);
    }
  }

  /** The accessible name, as far as such pages need it (ARIA name computation, steps 2B to 2F). */
  function name(element) {
    const by = element.getAttribute('aria-labelledby');
    if (by) return by.split(/\s+/).map((id) => element.getRootNode().getElementById(id)?.textContent ?? '').join(' ').trim();
    const label = element.getAttribute('aria-label')?.trim();
    if (label) return label;
    const labels = [...(element.labels ?? [])].map((label) => label.textContent).join(' ').trim();
    return labels || element.textContent.trim() || element.getAttribute('alt') || element.title || '';
  }

  const interactive = 'button, a[href], input, select, textarea, [tabindex], [role=button]';
  const named = `${interactive}, [role=dialog], [role=log], [role=meter], [role=group], [role=region], img, dialog`;

  const roles = {
    alert: [], button: [], dialog: [], group: [], log: [], status: [], timer: [], region: [], list: [], listitem: [],
    meter: ['aria-valuenow', 'aria-valuemin', 'aria-valuemax'],
  };
  const states = ['aria-label', 'aria-labelledby', 'aria-describedby', 'aria-hidden', 'aria-live', 'aria-busy', 'aria-haspopup',
    'aria-expanded', 'aria-pressed', 'aria-valuenow', 'aria-valuemin', 'aria-valuemax', 'aria-current'];

  // MARK: Colour

  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const brush = canvas.getContext('2d', { willReadFrequently: true });

  /** Any CSS colour as red, green, blue (0-255) and opacity (0-1), read off a pixel. */
  function colour(text) {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = text;
    brush.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = brush.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  }

  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];

  /** The ground of the page itself, as the browser paints it. */
  function page() {
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.backgroundColor = 'Canvas';
    const found = colour(getComputedStyle(probe).backgroundColor);
    probe.remove();
    return found;
  }

  /** What is behind an element: the grounds of its ancestors, the nearest on top. */
  function ground(element) {
    const layers = [];
    for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
      const layer = colour(getComputedStyle(at).backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] >= 0.999) break;
    }
    return layers.reduceRight((below, layer) => over(layer, below), page());
  }

  const luminance = (rgb) => rgb.slice(0, 3).map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);

  function ratio(a, b) {
    const [light, dark] = [luminance(a), luminance(b)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  }

  function contrast(element, style) {
    const behind = ground(element);
    return ratio(over(colour(style.color), behind), behind);
  }

  const isBig = (style) => parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700;
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const isMarked = ({ outlineStyle, outlineWidth }) => outlineStyle === 'auto' || outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
  const isDisabled = (element) => element.closest(':disabled, [aria-disabled=true]');

  window.accessibility = {
    faults(root) {
      const faults = [];
      const fault = (element, words) => faults.push(`${element.tagName.toLowerCase()}${element.className ? '.' + String(element.className.baseVal ?? element.className).trim().replaceAll(/\s+/g, '.') : ''} “${name(element).slice(0, 30)}”: ${words}`);
      if (!document.documentElement.lang) faults.push('the page names no language');
      if (!document.title) faults.push('the page has no title');
      const ids = new Set();
      for (const element of elements(root)) {
        const role = element.getAttribute('role');
        if (role && !(role in roles)) fault(element, `the role ${role} is none that is used here`);
        for (const needed of roles[role] ?? []) if (!element.hasAttribute(needed)) fault(element, `${role} lacks ${needed}`);
        for (const { name } of element.attributes) if (name.startsWith('aria-') && !states.includes(name)) fault(element, `${name} is no attribute that is used here`);
        if (element.id) {
          if (ids.has(element.id)) fault(element, 'its id stands twice');
          ids.add(element.id);
        }
        if (element.style.length && [...element.style].some((property) => !property.startsWith('--') && property !== 'height')) fault(element, 'inline style');
        if (!isShown(element)) continue;
        if (element.matches(named) && !name(element)) fault(element, 'no name');
        if (element.matches(interactive)) {
          if (element.closest('[aria-hidden=true]')) fault(element, 'hidden from assistive technology, and yet it takes focus');
          if (element.tabIndex < 0 && !element.disabled) fault(element, 'the keyboard cannot reach it');
          if (element.tabIndex > 0) fault(element, 'it breaks the order of focus');
          const { width, height } = element.getBoundingClientRect();
          if (!element.matches('[role=log]') && (width < 24 || height < 24)) fault(element, `a target of ${Math.round(width)} by ${Math.round(height)} px`);
          if (element.querySelector(interactive) && !element.matches('[role=log], [tabindex="-1"]')) fault(element, 'one control inside another');
          const visible = element.innerText?.trim();
          const label = element.getAttribute('aria-label');
          if (element.matches('button, a') && visible && label && !label.toLowerCase().includes(visible.toLowerCase())) fault(element, 'its name does not hold what one reads (2.5.3)');
        }
        const style = getComputedStyle(element);
        if (hasText(element) && !isDisabled(element)) {
          const least = isBig(style) ? 3 : 4.5;
          const found = contrast(element, style);
          if (found < least) fault(element, `contrast ${found.toFixed(2)} is below ${least}`);
          if (parseFloat(style.fontSize) < 11.5) fault(element, `letters of ${style.fontSize}`);
        }
        if (element.matches('svg') && !isDisabled(element)) {
          if (element.getAttribute('aria-hidden') !== 'true' && !name(element)) fault(element, 'a picture without a name');
          const found = contrast(element, style);
          if (found < 3) fault(element, `contrast ${found.toFixed(2)} of a picture is below 3`);
        }
        if (element.matches('img') && !element.hasAttribute('alt')) fault(element, 'no alt');
        if (element.matches('[role=dialog]') && !element.lang) fault(element, 'a dialog that names no language');
        if (element.matches('[role=log]') && element.getAttribute('aria-live') !== 'polite') fault(element, 'a log that is not polite');
        if (element.matches('input, select, textarea') && !name(element)) fault(element, 'a field without a label');
      }
      const { scrollWidth } = document.documentElement;
      if (scrollWidth > innerWidth) faults.push(`the page scrolls sideways: ${scrollWidth} of ${innerWidth} px`);
      return faults;
    },

    /** Whether what has the focus shows it, with at least 3:1 to what is behind (2.4.7, 2.4.13). */
    focusFault() {
      let element = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      if (!element || element === document.body) return 'nothing has the focus';
      const marked = [element, ...element.querySelectorAll('*'), element.parentElement].find((part) => part && isMarked(getComputedStyle(part)));
      if (!marked) return `the focus on “${name(element).slice(0, 30)}” cannot be seen`;
      const found = ratio(over(colour(getComputedStyle(marked).outlineColor), [0, 0, 0]), ground(marked.parentElement ?? marked.getRootNode().host));
      return found >= 3 ? undefined : `the mark of focus on “${name(element).slice(0, 30)}” has a contrast of ${found.toFixed(2)}`;
    },
    name,
  };
})();
