// Tickets with a clock that stands still until a test moves it.
import { LimitError, ProtocolError, TicketGoneError } from '../../src/base/errors';
import { ObjectTable, Row } from '../../src/refs/objects';
import { TicketTable } from '../../src/refs/tickets';
import { type Token, ticketSecret } from '../../src/wire/token';

const key = Buffer.alloc(32, 5);
const kind = { typeid: 'list', exposure: undefined, owned: false };
let now: number;
let objects: ObjectTable;
let tickets: TicketTable;
let held: Set<number>;
let row: Row;

const ticket = (number: number, more: Partial<Token> = {}): Token => {
  const base = {
    manager: 'aa'.repeat(16),
    incarnation: 'bb'.repeat(16),
    address: 'unix:/x',
    id: 100,
    typeid: 'list',
    callable: false,
    minter: 1,
    number,
    uses: 1,
    ttlMs: 1000,
    ...more,
  };
  return { ...base, secret: more.secret ?? ticketSecret(key, base) };
};

beforeEach(() => {
  now = 0;
  objects = new ObjectTable(() => {});
  tickets = new TicketTable(objects, { tickets: 3, ticketMs: 1000 }, () => now);
  held = new Set([100]);
  tickets.addMinter(1, key, (id) => held.has(id));
  row = objects.add(new Row(100, {}, kind));
  objects.pin(row, 'sessions');
});

afterEach(() => {
  tickets.clear();
  expect(tickets.size).toBe(0);
  expect(row.tickets).toBe(0);
});

describe('a ticket', () => {
  it('pins its object until it was claimed as often as it may', async () => {
    tickets.mint(ticket(1, { uses: 2 }), row);
    expect(row.tickets).toBe(1);
    expect(tickets.claim(ticket(1, { uses: 2 }))).toBe(row);
    expect(tickets.claim(ticket(1, { uses: 2 }))).toBe(row);
    expect(() => tickets.claim(ticket(1, { uses: 2 }))).toThrow(TicketGoneError);
    await Promise.resolve();
    expect(row.tickets).toBe(0);
  });

  it('keeps its object alive when its session has ended', () => {
    tickets.mint(ticket(1), row);
    tickets.endMinter(1);
    held.clear();
    objects.unpin(row, 'sessions');
    expect(row.pinned).toBe(true);
    expect(tickets.claim(ticket(1))).toBe(row);
    objects.pin(row, 'sessions');
  });

  it('is over when its time is', () => {
    tickets.mint(ticket(1), row);
    now = 999;
    tickets.sweep();
    expect(tickets.size).toBe(1);
    now = 1000;
    tickets.sweep();
    expect(tickets.size).toBe(0);
    expect(() => tickets.claim(ticket(1))).toThrow(TicketGoneError);
  });

  it('lives no longer than a day', () => {
    tickets.mint(ticket(1, { ttlMs: Number.MAX_SAFE_INTEGER }), row);
    now = 24 * 3600 * 1000;
    tickets.sweep();
    expect(tickets.size).toBe(0);
  });

  it('that may be claimed without end opens its object for as long as that lives', () => {
    const shared = ticket(1, { uses: 0 });
    tickets.mint(shared, row);
    now = 5000;
    tickets.sweep();
    expect(row.tickets).toBe(0);
    expect(tickets.claim(shared)).toBe(row);
  });

  it('out of turn is the fault of its session', () => {
    for (const number of [0, 2, 5])
      expect(() => tickets.mint(ticket(number), row)).toThrow(ProtocolError);
    tickets.mint(ticket(1), row);
    expect(() => tickets.mint(ticket(1), row)).toThrow(ProtocolError);
    expect(() => tickets.mint(ticket(1, { minter: 9 }), row)).toThrow(ProtocolError);
    expect(row.tickets).toBe(1);
  });

  it('beyond limits.tickets is refused, and one that is over makes room', () => {
    for (const number of [1, 2, 3]) tickets.mint(ticket(number), row);
    expect(() => tickets.mint(ticket(4), row)).toThrow(LimitError);
    now = 1000;
    tickets.sweep();
    tickets.mint(ticket(5), row);
    expect(tickets.size).toBe(1);
  });
});

describe('a claim before its mint', () => {
  it('opens the object, and is counted when the mint comes', () => {
    expect(tickets.claim(ticket(1))).toBe(row);
    expect(() => tickets.claim(ticket(1))).toThrow(TicketGoneError);
    tickets.mint(ticket(1), row);
    expect(tickets.size).toBe(0);
    expect(row.tickets).toBe(0);
  });

  it('uses up only what it used', () => {
    tickets.claim(ticket(1, { uses: 2 }));
    tickets.mint(ticket(1, { uses: 2 }), row);
    expect(tickets.claim(ticket(1, { uses: 2 }))).toBe(row);
    expect(() => tickets.claim(ticket(1, { uses: 2 }))).toThrow(TicketGoneError);
  });

  it('waits where the object is not there yet', () => {
    held.add(101);
    expect(tickets.claim(ticket(1, { id: 101 }))).toBe('later');
  });

  it('is refused far ahead, and once its session has ended', () => {
    expect(() => tickets.claim(ticket(5000))).toThrow(TicketGoneError);
    tickets.endMinter(1);
    expect(() => tickets.claim(ticket(1))).toThrow(TicketGoneError);
    expect(tickets.isEnded(1)).toBe(true);
  });

  it('is refused for an object that its session does not hold', () => {
    objects.add(new Row(200, {}, kind));
    for (const uses of [0, 1]) {
      let got: unknown;
      try {
        got = tickets.claim(ticket(1, { id: 200, uses }));
      } catch (error) {
        got = error;
      }
      expect(got).not.toBeInstanceOf(Row);
    }
  });
});

describe('a forged token', () => {
  it('gets the same answer as one that is over', () => {
    tickets.mint(ticket(1), row);
    const forged = ticket(1, { secret: Buffer.alloc(16) });
    const texts = [forged, ticket(5000)].map((token) => {
      try {
        tickets.claim(token);
        return 'opened';
      } catch (error) {
        return (error as Error).message;
      }
    });
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]).toContain('Cannot open the token');
    expect(tickets.size).toBe(1);
  });

  it('for an object that was never minted by its session opens nothing', () => {
    tickets.mint(ticket(1, { uses: 0 }), row);
    objects.add(new Row(200, {}, kind));
    let got: unknown;
    try {
      got = tickets.claim(ticket(1, { id: 200, uses: 0 }));
    } catch (error) {
      got = error;
    }
    expect((got as Row).id).not.toBe(200);
  });
});
