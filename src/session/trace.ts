// Frames as diagnostics: which channel tells of which frame, and by what names.

import { type Channel } from 'node:diagnostics_channel';
import {
  type Diagnostic,
  callChannel,
  connectionChannel,
  isTraced,
  referenceChannel,
} from '../base/diagnostics';
import { type ByteWriter } from '../wire/bytes';
import { type Frame, describeFrame, readFrame } from '../wire/frames';
import { type Reference } from '../wire/references';

export interface FrameDiagnostic extends Diagnostic {
  /** `in`: it came from the peer. */
  readonly direction: 'in' | 'out';
  readonly callId?: number | undefined;
  /** The object's number, of a call that of its target, where the peers have the same for it. */
  readonly id?: number | undefined;
  readonly typeid?: string | undefined;
  /** The member that is called, by its path. */
  readonly member?: string | undefined;
}

const CHANNEL_OF: Readonly<Record<Frame['kind'], Channel>> = {
  call: callChannel,
  return: callChannel,
  deliver: callChannel,
  throw: callChannel,
  failed: callChannel,
  cancel: callChannel,
  got: callChannel,
  forget: callChannel,
  create: referenceChannel,
  release: referenceChannel,
  mint: referenceChannel,
  dup: referenceChannel,
  at: connectionChannel,
  speak: connectionChannel,
  ping: connectionChannel,
  pong: connectionChannel,
  goaway: connectionChannel,
  bye: connectionChannel,
};

/** Tells of a frame that came. */
export function traceIn(peer: string, frame: Frame): void {
  if (isTraced()) trace('in', peer, frame);
}

/** Tells of a message that leaves, as it stands in `writer`. */
export function traceOut(peer: string, writer: ByteWriter, start: number): void {
  trace('out', peer, readFrame(Buffer.from(writer.bytes.subarray(start))));
}

function trace(direction: 'in' | 'out', peer: string, frame: Frame): void {
  const common = { direction, peer };
  const channel = CHANNEL_OF[frame.kind];
  if (channel.hasSubscribers) {
    const text = describe(common, describeFrame(frame));
    channel.publish({ ...common, kind: frame.kind, ...namesIn(frame), text });
  }
  if (!('references' in frame) || !referenceChannel.hasSubscribers) return;
  for (const reference of frame.references) traceReference(common, reference);
}

/** What is lent along with a call or an answer: the receiver holds it from now on. */
function traceReference(
  common: Pick<FrameDiagnostic, 'direction' | 'peer'>,
  sent: Reference,
): void {
  if (sent.kind !== 'lent') return;
  const { id, typeid } = sent;
  const text = describe(common, `lend ${typeid} ${String(id)}`);
  referenceChannel.publish({ ...common, kind: 'lend', id, typeid, text });
}

function describe({ direction, peer }: Pick<FrameDiagnostic, 'direction' | 'peer'>, what: string) {
  return `${peer} ${direction === 'in' ? '<' : '>'} ${what}`;
}

function namesIn(frame: Frame): Pick<FrameDiagnostic, 'callId' | 'id' | 'typeid' | 'member'> {
  if (frame.kind === 'call') {
    const { callId, target, path, name } = frame.head;
    const id = target.kind === 'object' && !target.relative ? target.id : undefined;
    return { callId, id, member: [...path, name].join('.') };
  }
  if (frame.kind === 'create') return { typeid: frame.typeid };
  return {
    callId: 'callId' in frame ? frame.callId : undefined,
    id: 'id' in frame ? frame.id : undefined,
  };
}
