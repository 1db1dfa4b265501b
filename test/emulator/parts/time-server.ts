/**
 * A time server of a few lines (SNTP, RFC 4330 section 5): answers every question with the time of this machine, or keeps
 * silent while it is told to. systemd-timesyncd in the emulated device asks it, so that the device's clock becomes known
 * when the test wants it to.
 */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';

/** Seconds from 1900, where NTP begins, to 1970. */
const NTP_TO_UNIX_S = 2_208_988_800;
const PACKET_BYTES = 48;
/** No warning, version 4, a server's answer. */
const HEADER = 0b00_100_100;
const STRATUM_PRIMARY = 1;
/** 2^-20 s: of the clock. */
const PRECISION = -20;
const FRACTIONS_PER_S = 2 ** 32;

export type TimeServer = {
  readonly port: number;
  answeredCount: number;
  isSilent: boolean;
  close(): void;
};

export async function startTimeServer(): Promise<TimeServer> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const server: TimeServer = {
    port: socket.address().port,
    answeredCount: 0,
    isSilent: false,
    close: () => socket.close(),
  };
  socket.on('message', (question: Buffer, from: RemoteInfo) => {
    if (server.isSilent || question.length < PACKET_BYTES) return;
    server.answeredCount += 1;
    socket.send(answerTo(question, Date.now()), from.port, from.address);
  });
  return server;
}

function answerTo(question: Buffer, nowMs: number): Buffer {
  const answer = Buffer.alloc(PACKET_BYTES);
  answer[0] = HEADER;
  answer[1] = STRATUM_PRIMARY;
  answer[2] = question[2] ?? 0;
  answer.writeInt8(PRECISION, 3);
  answer.write('LOCL', 12, 'latin1');
  // Reference, origin (what the asker wrote as its time of sending), received, sent.
  writeTime(answer, 16, nowMs);
  question.copy(answer, 24, 40, 48);
  writeTime(answer, 32, nowMs);
  writeTime(answer, 40, nowMs);
  return answer;
}

function writeTime(packet: Buffer, offset: number, atMs: number): void {
  const seconds = Math.floor(atMs / 1000);
  packet.writeUInt32BE((seconds + NTP_TO_UNIX_S) >>> 0, offset);
  packet.writeUInt32BE(Math.floor(((atMs % 1000) / 1000) * FRACTIONS_PER_S), offset + 4);
}
