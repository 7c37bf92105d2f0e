/** What a scenario is run with. */
export interface ScenarioOptions {
  readonly count: number;
  /** How many faults of the seed's sequence are left out, because another run has them. */
  readonly from: number;
  readonly seed: number;
  /** Transfers a second that must have been made before a fault, or the run proves nothing. */
  readonly floor: number;
  /** A line about the progress. */
  readonly say: (text: string) => void;
}

/** What a run came to. */
export interface Findings {
  readonly faults: number;
  readonly committed: number;
  readonly rolledBack: number;
  readonly unknown: number;
  /** Sentences about what must not be. */
  readonly violations: readonly string[];
  /** Why the run proves too little, if it does. */
  readonly proofless: readonly string[];
  /** Further figures for the table, by name. */
  readonly figures: Readonly<Record<string, string>>;
}

/** One row of the table of reliability runs. */
export interface Scenario {
  readonly name: string;
  /** What is tried, in few words. */
  readonly what: string;
  /** The count that the full run has. */
  readonly count: number;
  run(options: ScenarioOptions): Promise<Findings>;
}
