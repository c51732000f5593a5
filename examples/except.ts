import { Except, spawn } from '../src';

export async function collect(errors: Except, urls: readonly string[]): Promise<number> {
  let done = 0;
  for (const url of urls)
    await errors.run('fetch', () => void (new URL(url), done++), { rethrow: false });
  return done;
}

async function main(): Promise<void> {
  const errors = new Except();
  const task = { module: __filename, export: 'collect' };
  await using left = spawn<number>(task, [errors, ['http://a', 'no url']]);
  await using right = spawn<number>(task, [errors, ['nor this', 'http://b']]);
  console.log('done', (await left.result) + (await right.result));
  for (const error of errors.group('fetch')) console.log(error.name, error.message);
}

if (require.main === module) void main();
