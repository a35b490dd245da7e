import Foundation
import Synchronization
import TestBrowser
import Testing

@testable import Web

/// A browser, and the address of a page of `Page`.
private func withStage(
  _ file: String = "stage.html", _ body: (Browser, String) async throws -> Void
) async throws {
  let site = try await VisitedSite.start()
  try await withServer { server in
    site.desk.withLock { $0 = server.url }
    // Two peers in one page find each other by address.
    let browser = try await Browser(["--disable-features=WebRtcHideLocalIpsWithMdns"])
    do { try await body(browser, site.origin + "/" + file) } catch {
      await browser.stop()
      throw error
    }
    await browser.stop()
  }
  await site.stop()
}

/// The widget on a page whose server and microphone are made of nothing (`Page/stage.js`), so that every state can be
/// brought up and looked at.
@Suite(.enabled(if: Browser.isHere), .timeLimit(.minutes(5)), .serialized) struct StageTests {
  @Test("Every state of the widget can be reached, and each keeps the rules of accessibility in light and dark")
  func states() async throws {
    try await withStage { browser, page in
      try await browser.resize(width: 320, height: 568)
      try await browser.go(to: page)
      var unseen = Set(try await browser.texts("return Object.keys((await stage.module('states')).states)"))
      #expect(unseen.count > 15)
      for scene in try await browser.texts("return Object.keys(scenes)") {
        try await browser.prefer("light")
        try await browser.go(to: page)
        var problem: (any Error)?
        do { try await browser.run("await scenes['\(scene)']()") } catch { problem = error }
        #expect(problem == nil, "\(scene) is not reached")
        if let state = try await browser.run("return stage.find('.panel')?.dataset.state ?? null") as? String {
          unseen.remove(state)
        }
        for scheme in ["light", "dark"] {
          try await browser.prefer(scheme)
          let faults = try await browser.texts(
            """
            const focus = '\(scene)' === 'launcher' ? [] : [accessibility.focusFault()];
            return [...accessibility.faults(stage.root), ...stage.faults, ...focus].filter(Boolean);
            """)
          #expect(faults.isEmpty, "\(scene) in \(scheme): \(faults)")
        }
      }
      #expect(unseen.isEmpty, "no scene shows \(unseen)")
    }
  }

  @Test("The checks of accessibility find what is wrong")
  func checks() async throws {
    try await withStage { browser, page in
      try await browser.go(to: page)
      let faults = try await browser.texts(
        """
        await scenes.idle();
        const add = (name, change) => change(stage.find('.stage').appendChild(document.createElement(name)));
        add('button', (it) => { it.style.setProperty('--x', '1'); it.style.height = '40px'; });
        add('p', (it) => { it.textContent = 'grey'; stage.find('.stage').style.setProperty('--sb-ink', '#bbb'); it.className = 'lead'; });
        add('a', (it) => { it.href = '#'; it.textContent = 'x'; });
        add('div', (it) => { it.setAttribute('role', 'buton'); });
        add('div', (it) => { it.setAttribute('role', 'log'); it.textContent = 'x'; });
        return accessibility.faults(stage.root);
        """)
      for words in ["no name", "contrast", "a target of", "the role buton", "not polite"] {
        #expect(faults.contains { $0.contains(words) }, "nobody says \(words): \(faults)")
      }
    }
  }

  @Test("A whole call with the keyboard alone: every control is reached, and the focus is always seen")
  func keyboardCall() async throws {
    try await withStage { browser, page in
      try await browser.go(to: page)
      try await browser.run("await scenes.launcher()")
      try await reach("Talk to us", in: browser)
      try await browser.press(keys: Keys.enter)
      try await browser.run("await stage.sees('How can we help?')")
      try await reach("Call now", in: browser)
      try await browser.press(keys: Keys.enter)
      try await browser.run(
        "await stage.sees('You are in line'); await until(() => stage.peer.connectionState === 'connected')")
      try await browser.run(
        """
        stage.change({ state: 'talking', agent_name: 'Amina Berg', ahead: undefined, wait: undefined });
        await stage.sees('Amina Berg');
        """)
      try await reach("Mute", in: browser)
      try await browser.press(keys: Keys.space)
      try await browser.run("await stage.sees('You are muted'); check(!stage.peer.track.enabled, 'not muted')")
      try await browser.press(keys: Keys.space)
      try await browser.run("await until(() => stage.peer.track.enabled, 'sound again')")
      try await reach("Keypad", in: browser)
      try await browser.press(keys: Keys.enter)
      try await browser.press(keys: "42#")
      try await reach("9", in: browser)
      try await browser.press(keys: Keys.space)
      try await browser.run("await until(() => stage.peer.digits === '42#9', `the digits, not ${stage.peer.digits}`)")
      try await browser.press(keys: Keys.escape)
      try await browser.run(
        "await until(() => document.activeElement.shadowRoot.activeElement.textContent === 'Keypad', 'focus back')")
      try await browser.press(keys: Keys.escape)
      try await browser.run("await until(() => stage.find('.panel').hidden, 'the panel to close')")
      try await browser.press(keys: Keys.enter)
      try await browser.run("await until(() => !stage.find('.panel').hidden, 'the panel to come back')")
      try await reach("Hang up", in: browser)
      try await browser.press(keys: Keys.enter)
      try await browser.run(
        """
        await stage.sees('The call has ended');
        await until(() => document.activeElement.shadowRoot.activeElement.textContent === 'Call again', 'focus on the next step');
        check(stage.requests.at(-1).method === 'DELETE' && stage.requests.at(-1).path === 'contacts/ct_1', 'nobody hung up');
        check(stage.peer.connectionState === 'closed' && stage.peer.track.readyState === 'ended', 'the microphone is still on');
        """)
      try await browser.press(keys: Keys.escape)
      try await browser.run(
        "await until(() => document.activeElement.shadowRoot.activeElement.matches('.launcher'), 'focus on the button')"
      )
    }
  }

  @Test("A whole chat with the keyboard alone")
  func keyboardChat() async throws {
    try await withStage { browser, page in
      try await browser.go(to: page)
      try await browser.run("await scenes.launcher()")
      try await reach("Talk to us", in: browser)
      try await browser.press(keys: Keys.enter)
      try await browser.run("await stage.sees('How can we help?')")
      try await reach("Chat", in: browser)
      try await browser.press(keys: Keys.space)
      try await browser.run("await stage.sees('Write your first message')")
      try await browser.press(keys: "Good day" + Keys.enter)
      try await browser.run("await stage.sees('You are in line'); await stage.sees('Good day')")
      try await browser.run(
        """
        stage.change({ state: 'talking', agent_name: 'Amina Berg', ahead: undefined, wait: undefined });
        stage.say('How can I help?');
        await stage.sees('How can I help?');
        """)
      try await browser.press(keys: "Thanks" + Keys.enter)
      try await browser.run("await stage.sees('Thanks')")
      try await reach("End chat", in: browser)
      try await browser.press(keys: Keys.enter)
      try await reach("Keep chatting", in: browser)
      try await browser.press(keys: Keys.escape)
      try await reach("End chat", in: browser)
      try await browser.press(keys: Keys.enter)
      try await reach("Yes, end it", in: browser)
      try await browser.press(keys: Keys.enter)
      try await browser.run("await stage.sees('The chat has ended')")
      try await reach("Start a new chat", in: browser)
    }
  }

  /// Presses Tab until the control has the focus; each stop on the way must show that it has it.
  private func reach(_ name: String, in browser: Browser) async throws {
    for _ in 0..<24 {
      let found = try await browser.texts(
        """
        let at = document.activeElement;
        while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        return [at === document.body ? '' : accessibility.name(at), at === document.body ? '' : accessibility.focusFault() ?? ''];
        """)
      #expect(found[1] == "")
      if found[0].hasPrefix(name) { return }
      try await browser.press(keys: Keys.tab)
    }
    Issue.record("the keyboard does not reach \(name)")
  }

  @Test("A broken call comes back by an ICE restart, and where that does not help by a new offer in the same place")
  func reconnecting() async throws {
    try await withStage { browser, page in
      try await browser.go(to: page)
      try await browser.run(
        """
        const { patience } = await stage.module('media');
        patience.restart = 150;
        const patches = () => stage.requests.filter((request) => request.method === 'PATCH');
        // Firefox may call a connection failed that has no answer yet.
        stage.answerer = async () => {
          stage.peer.become('failed');
          return offer('cccc');
        };
        await scenes.talking();
        check(!patches().length, 'a call was mended that had not begun');
        stage.peer.become('failed');
        await until(() => patches().length === 1 && stage.peer.connectionState === 'connected', 'the restart');
        const [restart] = patches();
        check(restart.headers['content-type'] === 'application/trickle-ice-sdpfrag', 'the restart is no fragment');
        check(restart.headers.authorization === 'Bearer vt_1' && restart.path === 'contacts/ct_1', 'the restart is not ours');
        check(restart.body.includes('a=ice-ufrag:bbbb\\r\\n') && restart.body.includes('a=mid:0\\r\\n'), 'the fragment says ' + restart.body);
        const { sdp } = stage.peer.currentRemoteDescription;
        check(sdp.includes('a=ice-ufrag:new1\\r\\na=ice-pwd:newpasswordnewpassword\\r\\n'), 'the answer was not taken: ' + sdp);

        await pause(100);
        const first = stage.peer;
        stage.isBlocked = true;
        stage.peer.become('failed');
        await until(() => patches().length === 3, 'a new offer');
        check(patches()[2].headers['content-type'] === 'application/sdp' && stage.peer !== first, 'no new connection');
        stage.isBlocked = false;
        stage.peer.become('connected');
        await until(() => !stage.shows('Reconnecting'), 'the banner to go');
        await stage.sees('Amina Berg');
        check(!stage.faults.length, stage.faults.join());
        """)
    }
  }

  @Test("A call that the server no longer knows ends on screen; one that never comes back fails with a next step")
  func lost() async throws {
    try await withStage { browser, page in
      try await browser.go(to: page)
      try await browser.run(
        """
        await scenes.talking();
        stage.refusal = { kind: 'gone', status: 410 };
        stage.peer.become('failed');
        await stage.sees('The call has ended');
        """)
      try await browser.go(to: page)
      try await browser.run(
        """
        const { patience } = await stage.module('media');
        patience.all = 1_500;
        await scenes.reconnecting();
        await stage.sees('did not come back');
        check(stage.button('Try again') && stage.button('Chat instead'), 'there is no next step');
        check(sessionStorage.length === 0, 'the lost call is still stored');
        """)
    }
  }

  @Test("A message whose earlier try is still being carried out is sent again by its key, and the chat goes on")
  func messageInProgress() async throws {
    try await withStage { browser, page in
      try await browser.go(to: page)
      try await browser.run(
        """
        await chatTalking();
        const tries = () => stage.requests.filter(({ path, body }) => path.endsWith('/messages') && body.includes('Once more'));
        stage.refusal = { kind: 'in-progress', status: 409, retryAfter: 0.05 };
        await write('Once more');
        await until(() => tries().length > 1, 'another try');
        check(!stage.shows('The chat has ended') && !stage.shows('Not sent'), 'the message was given up');
        stage.refusal = undefined;
        await until(() => stage.messages.some(({ text }) => text === 'Once more'), 'the message to arrive');
        check(new Set(tries().map(({ headers }) => headers['idempotency-key'])).size === 1, 'it was sent by several keys');
        await until(() => !stage.find('.pending'), 'nothing to be pending');
        // Another conflict is still the end.
        stage.refusal = { kind: 'conflict', status: 409 };
        await write('Too late');
        await stage.sees('The chat has ended');
        """)
    }
  }

  @Test("What the page and the site tell of the visitor travels with the call: attributes, and the site's signed word")
  func visitor() async throws {
    try await withStage { browser, page in
      try await browser.go(to: page)
      try await browser.run(
        """
        stage.widget.setAttribute('token-url', '/identity');
        stage.widget.setAttribute('visitor-name', 'Jörg');
        stage.widget.dataset.long = 'x'.repeat(3_000);
        await scenes.queued();
        const opening = stage.requests.find((request) => request.method === 'POST');
        check(opening.path === 'contacts?entry=shop' && opening.headers['content-type'] === 'application/sdp', 'no SDP');
        check(opening.headers.authorization === 'Bearer header.claims.signature', 'the identity is ' + opening.headers.authorization);
        const coded = opening.headers['switchboard-visitor'];
        check(/^[\\w-]+$/.test(coded) && coded.length < 2_800, 'the visitor is no base64url of 2 KiB');
        const bytes = Uint8Array.from(atob(coded.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
        const visitor = JSON.parse(new TextDecoder().decode(bytes));
        check(visitor.name === 'Jörg' && visitor.attributes.cart === '12' && visitor.attributes.long.length === 256, JSON.stringify(visitor));
        check(stage.constraints.audio.echoCancellation && stage.constraints.audio.noiseSuppression && stage.constraints.audio.autoGainControl, 'constraints');
        """)
      // Where the site does not know its visitor, the visitor comes as a stranger; where it fails, that is said.
      try await browser.go(to: page)
      try await browser.run(
        """
        stage.widget.setAttribute('token-url', '/nowhere');
        await call();
        await stage.sees('confirm who you are');
        """)
    }
  }

  @Test("Nothing is stored before the first press, and the microphone is asked for only after it")
  func storage() async throws {
    try await withStage { browser, page in
      try await browser.go(to: page)
      try await browser.run(
        """
        await scenes.idle();
        check(!stage.constraints, 'the microphone was asked for before the visitor wished to call');
        check(sessionStorage.length + localStorage.length === 0 && !document.cookie, 'something is stored');
        await stage.press('Call now');
        await stage.sees('You are in line');
        check(sessionStorage.getItem('switchboard:shop').includes('vt_1') && localStorage.length === 0, 'the call is not kept');
        dispatchEvent(new PageTransitionEvent('pagehide', { persisted: false }));
        check(stage.requests.at(-1).method === 'BEACON' && stage.requests.at(-1).body === 'vt_1', 'the tab closed silently');
        """)
      // A reload waits for a press where the microphone would be asked for, and goes on in the same place.
      try await browser.go(to: page)
      try await browser.run(
        """
        await scenes.paused();
        check(!stage.constraints, 'the microphone was asked for without a press');
        await stage.press('Back to the call');
        await until(() => stage.peer?.connectionState === 'connected', 'sound');
        await stage.sees('You are in line');
        check(stage.requests.some(({ method, path }) => method === 'PATCH' && path === 'contacts/ct_1'), 'no way back');
        check(!stage.requests.some(({ method }) => method === 'POST'), 'a second contact was opened');
        """)
    }
  }

  @Test("The states are a function: any events in any order lead to a known state, and a promised wait never rises")
  func reducer() async throws {
    try await withStage { browser, page in
      try await browser.go(to: page)
      try await browser.run(
        """
        const { states, next, start, steps, lostAt } = await stage.module('states');
        const { words } = await stage.module('words');
        const { default: texts } = await stage.module('de');
        let seed = 7;
        const random = (below) => (seed = (Math.imul(seed, 48271) >>> 0) % 2147483647) % below;
        const pick = (list) => list[random(list.length)];
        const contact = () => ({ state: pick(['queued', 'offering', 'connecting', 'talking', 'held', 'message', 'announcing', 'ended', 'wrap_up', 'new']),
          ahead: random(4), ending: pick([undefined, 'timed_out', 'agent_left', 'refused_closed', 'unknown']),
          wait: pick([undefined, { low_seconds: random(600), high_seconds: 600 + random(600) }]) });
        const events = [
          () => ({ type: 'entry', entry: { channels: pick([['voice'], ['chat'], ['voice', 'chat'], []]), is_open: pick([true, false]) } }),
          () => ({ type: 'press', channel: pick(['voice', 'chat']) }), () => ({ type: 'write' }), () => ({ type: 'back' }),
          () => ({ type: 'resume', channel: pick(['voice', 'chat']), isPaused: pick([true, false]) }),
          () => ({ type: 'microphone', obstacle: pick([undefined, 'denied', 'missing', 'busy', 'insecure', 'unsupported', 'odd']) }),
          () => ({ type: 'contact', contact: contact() }), () => ({ type: 'link', isUp: pick([true, false]) }),
          () => ({ type: 'media', event: pick(['connected', 'lost', 'failed']) }), () => ({ type: 'silent', isSilent: pick([true, false]) }),
          () => ({ type: 'refused', trouble: { kind: pick(['queue-closed', 'queue-full', 'network', 'forbidden', 'odd']), retryAfter: random(9) } }),
          () => ({ type: 'over', ending: pick([undefined, 'gone', 'contact_left']) }),
        ];
        const seen = new Set();
        for (let walk = 0; walk < 2_000; walk += 1) {
          let session = start;
          for (let now = 1_000; now < 60_000; now += 1_000) {
            const before = session;
            const event = { ...pick(events)(), now };
            Object.freeze(before);
            session = next(before, event);
            const told = JSON.stringify([before, event, session]);
            check(session.state in states, 'an unknown state: ' + told);
            seen.add(session.state);
            const [lead, more] = words(session, texts, now);
            check(lead && typeof more === 'string' && !(lead + more).includes('{') && !(lead + more).includes('undefined'), 'no words: ' + told + lead + more);
            if (states[session.state].over) {
              check(lostAt(session) === undefined, 'lost after the end: ' + told);
              check(steps(session).every((step) => typeof step === 'string'), told);
            }
            if (before.promise && session.promise && before.contact && session.channel === before.channel && !states[before.state].over && states[session.state].open)
              check(session.promise.high <= before.promise.high && session.promise.low <= before.promise.low && session.promise.until <= before.promise.until, 'the wait rose: ' + told);
            if (states[before.state].over && !['press', 'write', 'back', 'entry', 'silent'].includes(event.type)) check(session.state === before.state, 'an end that did not last: ' + told);
          }
        }
        check(seen.size === Object.keys(states).length, 'not every state was seen: ' + [...seen]);
        """)
    }
  }

  @Test("Between real peer connections each side hears the other, and digits can be sent")
  func sound() async throws {
    try await withStage { browser, page in
      // Pages that may not listen are not told of the interfaces either, and a default route there may be none.
      try await browser.tell("Browser.grantPermissions", ["permissions": ["audioCapture"]])
      try await browser.go(to: page + "?real")
      let milliseconds = try await browser.run(
        """
        stage.answerer = async (sdp) => {
          const peer = stage.far = new RTCPeerConnection();
          peer.ontrack = ({ track }) => {
            stage.ear = new Audio();
            stage.ear.srcObject = new MediaStream([track]);
            stage.ear.play();
          };
          peer.addTrack(tone(440, 0.3).getAudioTracks()[0]);
          await peer.setRemoteDescription({ type: 'offer', sdp });
          await peer.setLocalDescription();
          await until(() => peer.iceGatheringState === 'complete', 'candidates');
          return peer.localDescription.sdp;
        };
        await scenes.idle();
        const pressed = performance.now();
        await stage.press('Call now');
        await stage.sees('You are in line');
        await until(() => stage.far?.connectionState === 'connected', 'the connection');
        const took = performance.now() - pressed;
        stage.change({ state: 'talking', agent_name: 'Amina Berg', ahead: undefined, wait: undefined });
        const level = (place) => Number(stage.all('[role=meter]')[place].getAttribute('aria-valuenow'));
        await until(() => level(0) > 30 && level(1) > 30, 'both sides to be heard here');
        const energy = async () => {
          for (const report of (await stage.far.getStats()).values()) if (report.type === 'inbound-rtp') return report.totalAudioEnergy;
        };
        let heard = 0;
        for (let attempt = 0; attempt < 100 && !(heard > 0.001); attempt += 1) {
          heard = await energy();
          await pause(50);
        }
        check(heard > 0.001, 'the far end hears nothing');
        await until(() => stage.button('Keypad') && !stage.button('Keypad').disabled, 'digits to be possible');
        await stage.press('Keypad');
        await stage.press('5');
        await stage.sees('Sent: 5');
        check(!stage.faults.length, stage.faults.join());
        return Math.round(took);
        """)
      print("press to connected between two peers of one browser: \(milliseconds) ms")
      #expect(milliseconds is Int)
    }
  }
}

/// The agent's phone page on a stage of its own (`Page/agent.js`).
@Suite(.enabled(if: Browser.isHere), .timeLimit(.minutes(5)), .serialized) struct PhonePageTests {
  @Test("Every picture of the agent's phone page can be reached, and each keeps the rules of accessibility")
  func pictures() async throws {
    try await withStage("phone.html") { browser, page in
      try await browser.go(to: page)
      for scene in try await browser.texts("return Object.keys(duties)") {
        try await browser.prefer("light")
        try await browser.resize(width: 320, height: 640)
        try await browser.go(to: page)
        var problem: (any Error)?
        do { try await browser.run("await duties['\(scene)']()") } catch { problem = error }
        #expect(problem == nil, "\(scene) is not reached")
        for scheme in ["light", "dark"] {
          try await browser.prefer(scheme)
          let faults = try await browser.texts("return [...accessibility.faults(document.body), ...stage.faults]")
          #expect(faults.isEmpty, "\(scene) in \(scheme): \(faults)")
        }
      }
    }
  }

  @Test("The agent's token is kept in the tab alone and in no address; logging out forgets it and hangs the phone up")
  func token() async throws {
    try await withStage("phone.html") { browser, page in
      try await browser.go(to: page)
      try await browser.run(
        """
        await ready();
        check(sessionStorage.getItem('switchboard-phone') === 'secret' && !JSON.stringify(localStorage).includes('secret'), 'kept elsewhere');
        check(!location.href.includes('secret') && stage.requests.every(({ path }) => !path.includes('secret')), 'the token is in an address');
        check(stage.requests.filter(({ method, path }) => method === 'POST' && path === 'agents/me/phone').length === 1, 'not one phone');
        await desk.press('Log out');
        await until(() => desk.shown === 'login', 'the login');
        check(!sessionStorage.getItem('switchboard-phone'), 'the token is kept after logging out');
        check(stage.requests.at(-1).method === 'DELETE' && stage.requests.at(-1).path === 'agents/me/phone/ph_1', 'the phone is still there');
        check(stage.peer.track.readyState === 'ended', 'the microphone is still on');
        """)
    }
  }

  @Test("The phone rings until the offer is taken, holds and hangs up by the API, and wraps up with a code")
  func call() async throws {
    try await withStage("phone.html") { browser, page in
      try await browser.go(to: page)
      try await browser.run(
        """
        await ring();
        check(phone.ringer.isRinging && document.title.includes('Jo Park'), 'it does not ring');
        await desk.press('Accept');
        const asked = (path, method = 'POST') => until(() => stage.requests.find((request) => request.path === path && request.method === method), path);
        await asked('offers/of_3/accept');
        stage.emit('offer.ended', { id: 'of_3', ending: 'accepted' });
        const become = (state) => stage.emit('contact.changed', { ...caller, state });
        become('connecting');
        await desk.sees('joining');
        become('talking');
        await desk.sees('talking');
        check(!phone.ringer.isRinging, 'it rings on');
        await desk.press('Hold');
        await asked('contacts/ct_9/hold');
        become('held');
        await desk.sees('held');
        await desk.press('Hold');
        await asked('contacts/ct_9/resume');
        become('talking');
        await desk.sees('talking');
        await desk.press('Mute');
        await until(() => !stage.peer.track.enabled, 'silence');
        await desk.press('Keypad');
        await desk.press('4');
        await until(() => stage.peer.digits === '4', 'the digit');
        await desk.press('Hang up');
        await asked('contacts/ct_9', 'DELETE');
        desk.change({ offer: undefined, contacts: [{ ...caller, state: 'wrap_up' }] });
        await desk.sees('wrap_up');
        check(stage.peer.track.enabled, 'the next caller would not hear the agent');
        await desk.press('follow up');
        const wrapUp = await asked('contacts/ct_9/wrap-up');
        check(wrapUp.body === '{"code":"follow_up"}', wrapUp.body);
        check(!stage.faults.length, stage.faults.join());
        """)
    }
  }

  @Test(
    "A broken phone comes back by itself, with a new one where the server has forgotten it; a replaced one stays silent"
  )
  func reconnecting() async throws {
    try await withStage("phone.html") { browser, page in
      try await browser.go(to: page)
      try await browser.run(
        """
        await ready();
        stage.peer.become('failed');
        await desk.sees('lost');
        await until(() => stage.requests.some(({ method, path }) => method === 'PATCH' && path === 'agents/me/phone/ph_1'), 'the restart');
        await desk.sees('ready');
        await pause(100);
        stage.refusal = { kind: 'not-found', status: 404 };
        stage.peer.become('failed');
        await desk.sees('lost');
        await pause(100);
        stage.refusal = undefined;
        await until(() => desk.phones === 2, 'a new phone');
        await desk.sees('ready');
        desk.change({ phone_id: 'ph_99' });
        await desk.sees('taken');
        check(stage.peer.connectionState === 'closed', 'the replaced page is still connected');
        await pause(300);
        check(desk.phones === 2, 'the replaced page took the phone back by itself');
        await desk.press('Use it here');
        await until(() => desk.phones === 3, 'the phone back');
        await desk.sees('ready');
        """)
    }
  }
}
