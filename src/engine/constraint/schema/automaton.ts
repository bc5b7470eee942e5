/** A deterministic automaton over code points: it reads each character once, whatever the pattern. */
export interface Automaton {
  /** the first is where a text begins */
  readonly states: readonly AutomatonState[];
  /** Whether a whole text is accepted, in time proportional to its length. */
  test(text: string): boolean;
}

export interface AutomatonState {
  /** whether a text may end here */
  readonly final: boolean;
  readonly edges: readonly AutomatonEdge[];
}

/** Ranges of code points, both ends included, that lead to a state. */
export interface AutomatonEdge {
  readonly ranges: readonly (readonly [number, number])[];
  readonly to: number;
}

export function makeAutomaton(states: readonly AutomatonState[]): Automaton {
  return {
    states,
    test(text) {
      let state = states[0];
      for (const character of text) {
        const point = character.codePointAt(0) ?? 0;
        const edge = state?.edges.find(({ ranges }) =>
          ranges.some(([from, to]) => from <= point && point <= to),
        );
        if (edge === undefined) return false;
        state = states[edge.to];
      }
      return state?.final ?? false;
    },
  };
}
