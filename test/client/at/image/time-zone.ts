import type { DatabaseServer } from '../../../support/servers.js';

/** A zone that puts its clocks back on 2021-10-31, 01:00 UTC, from +2 h to +1 h: 02:30 occurs twice. */
export const ZONE = 'Test/Clock_Change';

/** Makes the zone known to a server that has no time zones, as a private one. */
export async function installZone(server: DatabaseServer): Promise<void> {
  const spring = Date.UTC(2021, 2, 28, 1) / 1000;
  const autumn = Date.UTC(2021, 9, 31, 1) / 1000;
  await server.execute(
    [
      `DELETE FROM time_zone_name WHERE Name = '${ZONE}'`,
      "INSERT INTO time_zone (Use_leap_seconds) VALUES ('N')",
      'SET @zone = LAST_INSERT_ID()',
      `INSERT INTO time_zone_name (Name, Time_zone_id) VALUES ('${ZONE}', @zone)`,
      'INSERT INTO time_zone_transition_type (Time_zone_id, Transition_type_id, `Offset`, Is_DST, Abbreviation) ' +
        "VALUES (@zone, 0, 3600, 0, 'WINT'), (@zone, 1, 7200, 1, 'SUMM')",
      'INSERT INTO time_zone_transition (Time_zone_id, Transition_time, Transition_type_id) ' +
        `VALUES (@zone, 0, 0), (@zone, ${spring}, 1), (@zone, ${autumn}, 0)`,
    ],
    'mysql',
  );
}
