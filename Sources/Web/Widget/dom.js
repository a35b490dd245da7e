// What all views share: elements, icons, texts.

/** Makes an element; properties are set, names with a dash and `role` as attributes, children appended. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes('-') || key === 'role') element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

const icons = {
  back: 'M15 5.5 8.5 12l6.5 6.5',
  bell: 'M12 4a5.5 5.5 0 0 1 5.5 5.5c0 4.5 1.5 6 2 7h-15c.5-1 2-2.5 2-7A5.5 5.5 0 0 1 12 4ZM10 19.5a2.2 2.2 0 0 0 4 0',
  block: 'M12 4a8 8 0 1 1 0 16a8 8 0 0 1 0-16Z M6.5 6.5l11 11',
  chat: 'M20 11.5a7.5 7.5 0 0 1-11 6.6L4 19.5l1.5-4.6A7.5 7.5 0 1 1 20 11.5Z M9 11.5h.01M12.5 11.5h.01M16 11.5h.01',
  check: 'M5.5 12.5l4.5 4.5 8.5-9.5',
  clock: 'M12 4a8 8 0 1 1 0 16a8 8 0 0 1 0-16Z M12 7.8V12l3 2',
  close: 'M6 6l12 12M18 6L6 18',
  copy: 'M9 9h10v10H9ZM15 9V5H5v10h4',
  hangUp: 'M3.6 14.6c-.6-1-.5-2.3.4-3.1 4.6-3.9 11.4-3.9 16 0 .9.8 1 2.1.4 3.1l-.6 1c-.4.7-1.3 1-2.1.7l-2.5-1c-.6-.2-1-.8-1-1.5v-1.3a8.7 8.7 0 0 0-4.4 0v1.3c0 .7-.4 1.3-1 1.5l-2.5 1c-.8.3-1.7 0-2.1-.7Z',
  keypad: 'M7 5.5h.01M12 5.5h.01M17 5.5h.01M7 10.5h.01M12 10.5h.01M17 10.5h.01M7 15.5h.01M12 15.5h.01M17 15.5h.01M12 20h.01',
  microphone: 'M12 3.5a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0v-5a3 3 0 0 1 3-3Z M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3',
  minimize: 'M6 9.5l6 6 6-6',
  music: 'M9 17.5V6l10-2v11.5M9 17.5a2.5 2.5 0 1 1-5 0a2.5 2.5 0 0 1 5 0ZM19 15.5a2.5 2.5 0 1 1-5 0a2.5 2.5 0 0 1 5 0Z',
  muted: 'M9 9.5v2a3 3 0 0 0 4.8 2.4M15 11V6.5a3 3 0 0 0-5.7-1.3M5.5 11.5a6.5 6.5 0 0 0 10.3 5.3M18.5 11.5a6.4 6.4 0 0 1-.5 2.5M12 18v3M4 4l16 16',
  note: 'M6.5 4.5h11v15h-11ZM9.5 9h5M9.5 12.5h5M9.5 16h3',
  pause: 'M9 6v12M15 6v12',
  phone: 'M6.2 4.5h2.6l1.5 4-2 1.5a11.5 11.5 0 0 0 5.7 5.7l1.5-2 4 1.5v2.6a1.7 1.7 0 0 1-1.8 1.7A15.5 15.5 0 0 1 4.5 6.3a1.7 1.7 0 0 1 1.7-1.8Z',
  quiet: 'M4.5 9.5v5h3.5l4.5 3.5V6L8 9.5ZM16.5 9.5l5 5M21.5 9.5l-5 5',
  send: 'M4.5 12h14M12.5 6l6 6-6 6',
  sound: 'M4.5 9.5v5h3.5l4.5 3.5V6L8 9.5ZM16 9.2a4 4 0 0 1 0 5.6M18.5 6.7a7.5 7.5 0 0 1 0 10.6',
  unlink: 'M4 9a12.5 12.5 0 0 1 4.5-2.7M20 9a12.5 12.5 0 0 0-7-3.1M7.5 12.7a7.5 7.5 0 0 1 3-1.5M16.5 12.7l-.8-.6M12 17h.01M4 4l16 16',
};

export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  svg.dataset.name = name;
  const path = document.createElementNS(svg.namespaceURI, 'path');
  path.setAttribute('d', icons[name]);
  svg.append(path);
  return svg;
}

/** Puts values into the braces of a text. */
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? '');

/** Sets a text only if it is another one: a live region then says nothing twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The first letter of a name. */
export const initial = (name) => [...name].find((letter) => letter.trim())?.toUpperCase() ?? '';

/** Minutes and seconds, as 3:07 or 1:02:07. */
export function clock(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (number) => String(number).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return (hours ? `${hours}:${two(minutes)}` : `${minutes}`) + ':' + two(seconds % 60);
}
