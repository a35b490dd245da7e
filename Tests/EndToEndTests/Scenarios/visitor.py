#!/usr/bin/python3
"""A visitor whose WebRTC client is aiortc: calls a web entry, plays a tone, records what it hears, and hangs up when
its input ends.

    visitor.py SITE ENTRY HERTZ RECORDING [CODEC]

SITE is the address of the server's HTTP, CODEC (as audio/PCMU) the only one that is offered.
"""
import asyncio
import sys
import urllib.request
import wave

import numpy
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError


class Tone(AudioStreamTrack):
    """The silence of the base class, which has its pace and timestamps, filled with a tone."""

    def __init__(self, hertz):
        super().__init__()
        self.hertz = hertz

    async def recv(self):
        frame = await super().recv()
        seconds = (frame.pts + numpy.arange(frame.samples)) / frame.sample_rate
        frame.planes[0].update((9000 * numpy.sin(2 * numpy.pi * self.hertz * seconds)).astype("int16").tobytes())
        return frame


async def record(track, path):
    """Writes frames as they come, since the test reads the file while it grows."""
    frame = await track.recv()
    with wave.open(path, "wb") as recording:
        recording.setparams((len(frame.layout.channels), 2, frame.sample_rate, 0, "NONE", ""))
        while True:
            recording.writeframesraw(frame.to_ndarray().tobytes())
            try:
                frame = await track.recv()
            except MediaStreamError:
                return


def send(method, url, headers, body=None):
    return urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=10)


async def main(site, entry, hertz, path, codec=None):
    # No STUN servers: the addresses that this machine has are enough.
    connection = RTCPeerConnection(RTCConfiguration([]))
    connection.addTrack(Tone(int(hertz)))
    if codec:
        known = RTCRtpSender.getCapabilities("audio").codecs
        connection.getTransceivers()[0].setCodecPreferences([each for each in known if each.mimeType == codec])
    connection.on("track", lambda track: asyncio.ensure_future(record(track, path)))
    connection.on("connectionstatechange", lambda: print(connection.connectionState, flush=True))
    await connection.setLocalDescription(await connection.createOffer())
    headers = {"content-type": "application/sdp", "origin": site}
    offer = connection.localDescription.sdp.encode()
    with send("POST", f"{site}/v1/contacts?entry={entry}", headers, offer) as reply:
        contact, token = reply.headers["location"], reply.headers["switchboard-token"]
        answer = reply.read().decode()
    print(offer.decode(), answer, flush=True)
    await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    send("DELETE", site + contact, {"authorization": "Bearer " + token}).close()
    await connection.close()


asyncio.run(main(*sys.argv[1:]))
