/** The version of this package. `test/exports.test.ts` holds it against package.json. */
export const version: string = '0.1.0';
