/** Knex declares no types for its dialects, which are there to be extended. */
declare module 'knex/lib/dialects/mysql2/index.js' {
  import { knex } from 'knex';

  export default class MySql2Client extends knex.Client {
    _driver(): unknown;
  }
}
