import type { ChartMarker } from './chart-props';

export interface PlacedMarker {
  readonly marker: ChartMarker;
  /** Where its label goes beside the line; without one there was no room. */
  readonly side: 'insideTopLeft' | 'insideTopRight' | undefined;
}

/** Shares of the window: a label needs this much room, and near the right edge it stands to the left of its line. */
const room = 0.12;
const edge = 0.82;

/** The markers of the window, oldest first. Of labels that would lie on one another the latest is kept: it is what serves now. */
export function placeMarkers(markers: readonly ChartMarker[], first: number, last: number): readonly PlacedMarker[] {
  const inside = markers.filter((marker) => marker.at >= first && marker.at <= last).toSorted((a, b) => a.at - b.at);
  const share = (marker: ChartMarker) => (marker.at - first) / Math.max(1, last - first);
  let taken = Number.POSITIVE_INFINITY;
  const placed = inside.toReversed().map((marker): PlacedMarker => {
    const at = share(marker);
    const isAtEdge = at > edge;
    const [from, to] = isAtEdge ? [at - room, at] : [at, at + room];
    if (to > taken) return { marker, side: undefined };
    taken = from;
    return { marker, side: isAtEdge ? 'insideTopRight' : 'insideTopLeft' };
  });
  return placed.toReversed();
}
