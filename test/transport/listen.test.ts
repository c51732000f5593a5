// Listening and connecting, over every kind of address, with node-ipc and without.
import { type AddressInfo, createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuthenticationError } from '../../src/base/errors';
import { type NetworkAddress, parseAddress } from '../../src/transport/address';
import { type ConnectingOptions, connect } from '../../src/transport/connect';
import { type Link } from '../../src/transport/link';
import { type Listener, type ListeningOptions } from '../../src/transport/listen';
import { type TlsOptions } from '../../src/transport/tls-options';
import { authority, clientPair, serverPair, strangerPair } from '../support/certificates';

type Listen = (typeof import('../../src/transport/listen'))['listen'];

const isListening: Listener[] = [];
const links: Link[] = [];

/** The module, once with node-ipc and once where the module system refuses it. */
function load(withNodeIpc: boolean): Listen {
  let listen: Listen | undefined;
  jest.isolateModules(() => {
    if (!withNodeIpc) {
      jest.doMock('node-ipc', () => {
        throw new Error('ERR_REQUIRE_ESM');
      });
    }
    ({ listen } = require('../../src/transport/listen') as { listen: Listen });
    jest.dontMock('node-ipc');
  });
  return listen!;
}

afterEach(async () => {
  for (const link of links.splice(0)) link.destroy();
  for (const listener of isListening.splice(0)) await listener.close();
});

/** Bytes as they come; resolves with all of them when there are as many as `text` has. */
function hears(link: Link, text: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    link.listen({
      data: (chunk) => {
        heard += chunk.toString();
        if (heard.length >= text.length) resolve(heard);
      },
      drain: () => undefined,
      close: () => {
        resolve(heard);
      },
    });
  });
}

/** A port at which nobody listens at this moment. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

describe.each([
  ['node-ipc', true],
  ['node:net', false],
])('on %s', (_name, withNodeIpc) => {
  let listen: Listen;
  const tls: TlsOptions = serverPair;

  beforeAll(() => {
    listen = load(withNodeIpc);
  });

  async function listenAt(
    text: string,
    options?: ListeningOptions,
  ): Promise<{ address: string; accepted: Promise<Link> }> {
    let accept!: (link: Link) => void;
    const accepted = new Promise<Link>((resolve) => (accept = resolve));
    const onLink = (link: Link): void => {
      links.push(link);
      accept(link);
    };
    const listener = await listen(parseAddress(text), onLink, options);
    isListening.push(listener);
    return { address: listener.address, accepted };
  }

  async function connectTo(text: string, options?: ConnectingOptions): Promise<Link> {
    const link = await connect(parseAddress(text), options);
    links.push(link);
    return link;
  }

  it.each([
    [
      'unix',
      () => `unix:${join(tmpdir(), `listen-${String(process.pid)}-${String(withNodeIpc)}`)}`,
    ],
    ['a port of IPv4', async () => `tcp://127.0.0.1:${String(await freePort())}`],
    ['a port of IPv6', async () => `tcp://[::1]:${String(await freePort())}`],
    ['a port with TLS', async () => `tls://localhost:${String(await freePort())}`],
    ['any port', () => 'tcp://127.0.0.1:0'],
    ['any port with TLS', () => 'tls://127.0.0.1:0'],
  ])('bytes go both ways: %s', async (_kind, address) => {
    const wanted = await address();
    const { address: real, accepted } = await listenAt(wanted, { tls });
    if (!wanted.endsWith(':0')) expect(real).toBe(wanted);
    else expect((parseAddress(real) as NetworkAddress).port).toBeGreaterThan(0);
    const ours = await connectTo(real, { tls: { ca: authority } });
    const theirs = await accepted;
    const heardHere = hears(ours, 'to the client');
    const heardThere = hears(theirs, 'to the server');
    ours.write(Buffer.from('to the server'));
    theirs.write(Buffer.from('to the client'));
    expect(await heardThere).toBe('to the server');
    expect(await heardHere).toBe('to the client');
    if (wanted.startsWith('unix:')) {
      expect([ours.network, theirs.network]).toEqual([undefined, undefined]);
      return;
    }
    expect(ours.network).toMatchObject({ sent: 13, received: 13 });
    expect(theirs.network?.remote).toMatch(/127\.0\.0\.1|::1/);
  });

  it('both ends of a TLS link have the same secret, and no other link has it', async () => {
    const one = await listenAt('tls://127.0.0.1:0', { tls });
    const first = await connectTo(one.address, { tls: { ca: authority } });
    const second = await connectTo(one.address, { tls: { ca: authority } });
    const binding = first.network?.channelBinding;
    expect(binding).toHaveLength(32);
    expect((await one.accepted).network?.channelBinding).toEqual(binding);
    expect(second.network?.channelBinding).not.toEqual(binding);
  });

  it('says who listens where the port is taken', async () => {
    const address = `tcp://127.0.0.1:${String(await freePort())}`;
    await listenAt(address);
    await expect(listenAt(address)).rejects.toMatchObject({
      name: 'UsageError',
      message: `Cannot listen on ${address}: another process listens there; choose another port, or 0 to let the system choose`,
    });
  });

  it('says that the address is not of this machine', async () => {
    const foreign = listenAt(`tcp://192.0.2.1:${String(await freePort())}`);
    await expect(foreign).rejects.toThrow('this machine has no such address');
  });

  it('refuses a certificate that cannot be read', async () => {
    const wrong = listenAt('tls://127.0.0.1:0', { tls: { cert: 'no', key: 'no' } });
    await expect(wrong).rejects.toMatchObject({ name: 'UsageError' });
  });

  it.each<[string, ConnectingOptions, string]>([
    ['of an authority that is not known', {}, 'tls.ca'],
    ['for another name', { tls: { ca: authority, servername: 'else.example' } }, 'servername'],
  ])('a client refuses a certificate %s', async (_which, options, remedy) => {
    const { address } = await listenAt('tls://127.0.0.1:0', { tls });
    const connecting = connectTo(address, options);
    await expect(connecting).rejects.toBeInstanceOf(AuthenticationError);
    await expect(connecting).rejects.toThrow(remedy);
  });

  it('a client takes the name that it is told', async () => {
    const { address } = await listenAt('tls://127.0.0.1:0', { tls });
    const given = { ca: authority, servername: 'manager.example' };
    await expect(connectTo(address, { tls: given })).resolves.toBeDefined();
  });

  it.each<[string, TlsOptions, boolean]>([
    ['lets in a client with a certificate of its authority', clientPair, true],
    ['refuses a client without a certificate', {}, false],
    ['refuses a client with a certificate of its own making', strangerPair, false],
  ])('a server with an authority %s', async (_what, certificate, welcome) => {
    let tell!: (fault: Error) => void;
    const fault = new Promise<Error>((resolve) => (tell = resolve));
    const { address, accepted } = await listenAt('tls://127.0.0.1:0', {
      tls: { ...serverPair, ca: authority },
      onFault: tell,
    });
    const connecting = connectTo(address, { tls: { ca: authority, ...certificate } });
    connecting.catch(() => undefined); // with TLS 1.3 the client learns of it later
    const first = await Promise.race([accepted, fault]);
    if (welcome) expect(first).toBe(await accepted);
    else expect(first).toMatchObject({ name: 'AuthenticationError' });
  });
});

it('tells a server that speaks no TLS', async () => {
  const server = createServer((socket) => socket.end('no TLS here')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connecting = connect(parseAddress(`tls://127.0.0.1:${String(port)}`));
  await expect(connecting).rejects.toThrow('does not speak TLS');
  server.close();
});

it('gives up when its time is over, and when it is told to', async () => {
  const server = createServer().listen(0, '127.0.0.1'); // takes sockets and says nothing
  await once(server, 'listening');
  const address = parseAddress(`tls://127.0.0.1:${String((server.address() as AddressInfo).port)}`);
  await expect(connect(address, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  const stop = new AbortController();
  const connecting = connect(address, { signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(connecting).rejects.toThrow('enough');
  server.close();
});
