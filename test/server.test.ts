// A server in this process: what it says of itself and of its clients.
import { once } from 'node:events';
import { Manager } from '../src/index';

it('says whether it listens, and who comes and goes', async () => {
  const server = new Manager().getServer();
  expect(server.listening).toBe(false);
  const served = server.serveForever();
  await server.listen();
  expect(server.listening).toBe(true);

  const coming = once(server, 'session') as Promise<[{ id: number; peer: string }]>;
  const client = await Manager.connect(server.address).start();
  const [{ id, peer }] = await coming;
  await expect(client.inspect()).resolves.toMatchObject({ sessions: [{ id, peer }] });

  const going = once(server, 'sessionEnd');
  await client.close();
  await expect(going).resolves.toEqual([{ id, peer }]);

  await server.close();
  await served;
  expect(server.listening).toBe(false);
});
