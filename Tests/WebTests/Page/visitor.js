// Plays a visitor by the means of a keyboard user, and reports "ok" or what went wrong.
const report = (text) => fetch('/report', { method: 'POST', body: text });
const check = (fact, words) => { if (!fact) throw new Error(words); };

document.addEventListener('securitypolicyviolation', (event) => report(`policy: ${event.violatedDirective} ${event.blockedURI}`));
addEventListener('error', (event) => report(`error: ${event.message}`));
addEventListener('unhandledrejection', (event) => report(`rejection: ${event.reason}`));

async function until(found, words) {
  for (const start = performance.now(); performance.now() - start < 20_000;) {
    const thing = found();
    if (thing) return thing;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited in vain for ${words}`);
}

async function play() {
  await until(() => document.readyState === 'complete', 'the page');
  const widget = document.querySelector('switchboard-call');
  const root = await until(() => widget.shadowRoot, 'the loader');
  const find = (selector) => root.querySelector(selector);
  const says = (text) => () => find('[role=log]')?.textContent.includes(text);
  const press = (key) => root.activeElement.dispatchEvent(
    new KeyboardEvent('keydown', { key, bubbles: true, composed: true, cancelable: true }));

  if (!location.hash) {
    check(sessionStorage.length === 0 && localStorage.length === 0 && !document.cookie, 'something was stored before the first press');
    check(!find('[role=dialog]'), 'the panel was there before the first press');
    check(performance.getEntriesByType('resource').filter((entry) => entry.name.includes('/switchboard/')).length === 0, 'the widget was fetched before the first press');
    find('.launcher').click();
    await until(() => root.activeElement?.matches('textarea'), 'focus in the message');
    check(sessionStorage.length === 0, 'something was stored before the first message');
    find('input').value = 'Jo';
    root.activeElement.value = 'Good day';
    root.activeElement.dispatchEvent(new Event('input', { bubbles: true }));
    press('Enter');
    await until(says('Hello from Amina'), 'the answer');
    check(find('[role=log]').getAttribute('aria-live') === 'polite', 'the log is no polite live region');
    check(find('.message.visitor').textContent.includes('Good day'), 'the own message is missing');
    await until(() => !find('.pending'), 'the message to be confirmed');
    check(document.documentElement.scrollWidth <= innerWidth, 'the page scrolls sideways');
    check(find('[role=dialog]').getBoundingClientRect().width <= innerWidth, 'the panel is wider than the window');
    location.hash = 'again';
    return location.reload();
  }
  await until(says('Hello from Amina'), 'the chat after the reload');
  check(root.querySelectorAll('.message').length === 2, 'messages were lost or doubled by the reload');
  await until(() => root.activeElement?.matches('textarea'), 'focus after the reload');
  press('Escape');
  check(find('[role=dialog]').hidden && root.activeElement.matches('.pill'), 'Escape did not lead to the button of what goes on');
  root.activeElement.click();
  find('[aria-label="End chat"]').click();
  await until(() => root.activeElement?.closest('.ask'), 'the question whether to end');
  root.activeElement.click();
  await until(() => find('.card .button'), 'the way to start again');
  check(sessionStorage.length === 0, 'the ended chat is still stored');
  check(!find('.phone').hidden && find('.phone a').href === 'tel:+4930123', 'the phone number is no next step');
  await report('ok');
}

play().catch((error) => report(String(error)));
