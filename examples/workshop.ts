import { LogSender, getLoggerAddress } from '../src';

export class Workshop {
  readonly #log = new LogSender(getLoggerAddress() ?? '', { source: 'workshop' });

  build(what: string): void {
    console.log(`building a ${what}`); // what it prints is a record too
    this.#log.log('warn', 'the glue is not dry', { what });
  }
}
