/**
 * Follows packets: takes frames from many interfaces, nearly in the order of time, and says which of them are one
 * packet's journey. Keeps numbers in columns and no bytes. Never throws on bad bytes.
 */

import type { Direction, Frame } from "../../preload/contract/frame.ts";
import type { JourneyEnd } from "../../preload/contract/journey.ts";
import { type InterfaceRef, type Topology, type TunnelPorts, tunnelPorts } from "../../preload/contract/topology.ts";
import { LINK_TYPE } from "../decode/payload.ts";
import { createWalk, type Walk, walkFrame } from "../decode/walk.ts";
import {
  createExchange,
  createIdentity,
  createPiece,
  type Exchange,
  readExchange,
  readIdentity,
  readPiece,
} from "./identity.ts";
import { Owners } from "./owners.ts";
import { Recent } from "./recent.ts";
import { Doubles, NONE, Rows } from "./rows.ts";
import { type DirectionNumber, IN, OUT, Wiring } from "./wiring.ts";

const SECOND = 1e9;
/** A packet is lost when it was quiet for so long. */
const QUIET = 1 * SECOND;
/** Longest wait between two sightings: the kernel asks three times, a second apart, for a neighbour's MAC. */
const LONGEST_WAIT = 5 * SECOND;
/** Sightings so close may be of equal packets in flight together, which keep their order. */
const YOUNG = 20e6;
/** A reply that comes later answers nothing. */
const LONGEST_REPLY = 30 * SECOND;
/** Equal packets that are looked at to find a frame's journey, and sightings of each. */
const MOST_CANDIDATES = 64;
const MOST_SIGHTINGS = 256;
/** Equal packets hardly overtake each other: behind so many that have been here already none is still to come. */
const MOST_PASSED = 8;
/** Equal packets that are told apart again when a frame comes late, and their frames. */
const MOST_RESORTED = 16;
const MOST_RESORTED_FRAMES = 256;
/** Pieces of one datagram that are joined: 64 KiB in the smallest that IPv4 lets a link have, several times over. */
const MOST_PIECES = 4096;
const REMEMBERED = { span: 5 * SECOND, least: 1 << 16, most: 1 << 19 };

// Columns of a frame.
const PLACE = 0; // interface | direction << 16 | BARE | GROUP | RAW
const JOURNEY = 1;
const NEXT = 2; // the journey's next frame by time
const LENGTH = 3;
const CAPTURED = 4;
const FLOW = 5;
const DESTINATION = 6;
const OUTER = 7; // of a packet in a tunnel: where its outer header leads to
const FRAME_COLUMNS = 8;
const BARE = 1 << 18;
const GROUP = 1 << 19;
const RAW = 1 << 20; // begins with an IP header

// Columns of a journey.
const FIRST = 0;
const LAST = 1;
const HOPS = 2;
const SEEN = 3; // a bit for each place: clear means surely not seen there
const OLDER = 4; // the journey before it with the same identity
const REPLY_TO = 5;
const REPLY = 6;
const REPEAT_OF = 7;
const STATE = 8;
const REFUSED_BY = 9; // the ICMP error about it
const REFUSES = 10; // what this ICMP error is about
const DATAGRAM = 11;
const JOURNEY_COLUMNS = 12;

// Bits of a journey's state.
const ARRIVED = 1;
const ANSWERED = 2;
const SETTLED = 4;
const CHANGED = 8;
const ERROR = 16; // an ICMP error

const DIRECTIONS: readonly Direction[] = ["unknown", "in", "out"];

export interface JourneyFacts {
  id: number;
  end: JourneyEnd;
  replyTo?: number;
  reply?: number;
  repeatOf?: number;
  /** The ICMP error about it, and what this ICMP error is about. */
  error?: number;
  errorOf?: number;
  /** Frames of it that were taken in by the namespace that owns the destination. */
  delivered: number[];
}

/** One of the packets that a datagram was cut into, which is followed as a journey of its own. */
interface PieceOf {
  journey: number;
  from: number;
  to: number;
  isLast: boolean;
}

export class Follower {
  readonly #wiring: Wiring;
  readonly #owners: Owners;
  readonly #frames = new Rows(FRAME_COLUMNS);
  readonly #at = new Doubles();
  readonly #journeys = new Rows(JOURNEY_COLUMNS);
  /** Identity to its newest journey. */
  readonly #open = new Recent(REMEMBERED);
  /** Request key to its newest journey. */
  readonly #requests = new Recent(REMEMBERED);
  /** Key of the request that they answer to the first of recent replies. */
  readonly #replies = new Recent(REMEMBERED);
  /** What the pieces of a datagram have in common to the journey that they belong to. */
  readonly #datagrams = new Recent(REMEMBERED);
  /** The pieces of a journey, and the journey of each piece that is not the journey itself. */
  readonly #pieces = new Map<number, PieceOf[]>();
  readonly #pieceOf = new Map<number, number>();
  readonly #piece = createPiece();
  #walk: Walk;
  readonly #identity = createIdentity();
  readonly #exchange = createExchange();
  readonly #seenAt: { upTo: number; journeys: number[] }[] = [];
  #frameCount = 0;
  #journeyCount = 0;
  /** Journeys that lost all their frames to others when a late frame came. */
  #emptied = 0;
  /** Journeys before this one have settled. */
  #settledUpTo = 0;
  /** Settled journeys that changed since. */
  #changedLate: number[] = [];

  constructor(options: { interfaces: readonly InterfaceRef[]; topology?: Topology }) {
    this.#walk = createWalk(options.topology && tunnelPorts(options.topology));
    this.#wiring = new Wiring(options.interfaces, options.topology);
    this.#owners = new Owners(this.#wiring, options.topology);
  }

  /** The lab has changed: what comes from now on is followed through it as it is now. `ports`: what its tunnels send to. */
  rewire(topology: Topology, ports: TunnelPorts): void {
    this.#walk = createWalk(ports);
    this.#wiring.rewire(topology);
    this.#owners.learn(this.#wiring, topology);
  }

  /** The index to name the interface by; the same when it is added again. At most 65,536 interfaces. */
  addInterface(ref: InterfaceRef): number {
    return this.#wiring.add(ref);
  }

  /** How frames are read from now on. */
  set tunnelPorts(ports: TunnelPorts) {
    this.#walk = createWalk(ports);
  }

  get interfaces(): readonly InterfaceRef[] {
    return this.#wiring.interfaces;
  }

  get frameCount(): number {
    return this.#frameCount;
  }

  get journeyCount(): number {
    return this.#journeyCount;
  }

  /** Identities, requests and replies that are remembered now: bounded however long the capture is. */
  get remembered(): number {
    return this.#open.size + this.#requests.size + this.#replies.size + this.#datagrams.size;
  }

  /**
   * Takes the frame in `bytes` from `start` to `end`, which was `wireLength` bytes long before it was cut.
   * `at`: nanoseconds since the start of the capture; `linkType`: Ethernet or raw IP. Answers the frame's index.
   */
  add(
    interfaceIndex: number,
    direction: DirectionNumber,
    at: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    wireLength: number,
    linkType: number = LINK_TYPE.ethernet,
  ): number {
    const identity = this.#identity;
    walkFrame(bytes, start, end, this.#walk, linkType);
    readIdentity(bytes, start, this.#walk, identity);

    const frame = this.#frameCount++;
    const frames = this.#frames;
    frames.reserve(frame);
    this.#at.reserve(frame);
    this.#at.set(frame, at);
    const bits = (identity.bare ? BARE : 0) | (identity.group ? GROUP : 0) | (linkType === LINK_TYPE.raw ? RAW : 0);
    const place = interfaceIndex | (direction << 16) | bits;
    frames.set(frame, PLACE, place);
    frames.set(frame, LENGTH, wireLength);
    frames.set(frame, CAPTURED, end - start);
    frames.set(frame, FLOW, identity.flow);
    frames.set(frame, DESTINATION, identity.destination);
    frames.set(frame, OUTER, identity.outer);

    const found = this.#open.get(identity.a, identity.b);
    const newest = found < 0 ? NONE : found;
    const journey = this.#choose(frame, newest);
    if (journey === NONE) {
      const begun = this.#begin(newest);
      this.#journeys.set(begun, DATAGRAM, identity.datagram);
      this.#open.set(identity.a, identity.b, begun, at);
      this.#join(frame, begun);
      if (direction === OUT && identity.bare && identity.source !== 0) {
        this.#owners.infer(identity.source, this.#wiring.namespace[interfaceIndex]!);
      }
      this.#repeat(frame, begun, newest);
      const isPart =
        identity.piece < 0 ? this.#joinPieces(bytes, begun, frame) : this.#joinDatagram(bytes, begun, frame);
      if (!isPart) this.#exchangeOf(bytes, begun, frame);
      if (newest !== NONE) this.#resort(frame, begun);
    } else {
      const isNewFlow = !this.#hasFlow(journey, identity.flow);
      this.#join(frame, journey);
      if (isNewFlow && !this.#pieceOf.has(journey)) this.#exchangeOf(bytes, journey, frame);
      if (journey !== newest || this.#journeys.get(newest, OLDER) !== NONE) this.#resort(frame, newest);
    }
    return frame;
  }

  /** Journeys that are new or changed since the last call, as of `now` (nanoseconds since the start of the capture). */
  settle(now: number): number[] {
    const changed = this.#changedLate;
    this.#changedLate = [];
    for (const id of changed) this.#settleOne(id, now);
    let allSettled = true;
    for (let id = this.#settledUpTo; id < this.#journeyCount; id++) {
      const wasChanged = (this.#journeys.get(id, STATE) & CHANGED) !== 0;
      const isSettled = this.#settleOne(id, now);
      if (wasChanged || (this.#journeys.get(id, STATE) & CHANGED) !== 0) changed.push(id);
      this.#journeys.set(id, STATE, this.#journeys.get(id, STATE) & ~CHANGED);
      if (allSettled && isSettled) this.#settledUpTo = id + 1;
      else allSettled = false;
    }
    for (const id of changed) this.#journeys.set(id, STATE, this.#journeys.get(id, STATE) & ~CHANGED);
    if (this.#pieceOf.size === 0) return changed;
    return [...new Set([...changed, ...changed.map((id) => this.wholeOf(id))])];
  }

  /** The capture has ended: no journey is in flight any more. */
  finish(): void {
    for (let id = this.#settledUpTo; id < this.#journeyCount; id++) {
      this.#settleOne(id, Number.POSITIVE_INFINITY);
      this.#journeys.set(id, STATE, this.#journeys.get(id, STATE) & ~CHANGED);
    }
    this.#settledUpTo = this.#journeyCount;
  }

  frame(index: number): Frame {
    const place = this.#frames.get(index, PLACE);
    const ref = this.#wiring.interfaces[place & 0xffff]!;
    return {
      index,
      netns: ref.netns,
      interface: ref.interface,
      direction: DIRECTIONS[(place >>> 16) & 3]!,
      at: this.#at.get(index),
      length: this.#frames.get(index, LENGTH),
      captured: this.#frames.get(index, CAPTURED),
    };
  }

  /** What the frame begins with, by pcap's number. */
  linkType(frame: number): number {
    return (this.#frames.get(frame, PLACE) & RAW) === 0 ? LINK_TYPE.ethernet : LINK_TYPE.raw;
  }

  journeyOf(frame: number): number {
    return this.wholeOf(this.#frames.get(frame, JOURNEY));
  }

  /** By time, those of its pieces among them. */
  journeyFrames(id: number): number[] {
    const pieces = this.#pieces.get(id);
    if (!pieces) return this.#pieceOf.has(id) ? [] : this.#ownFrames(id);
    const journeys = new Set([id, ...pieces.map(({ journey }) => journey)]);
    return [...journeys]
      .flatMap((journey) => this.#ownFrames(journey))
      .sort((one, other) => (this.#isBefore(one, other) ? -1 : 1));
  }

  #ownFrames(id: number): number[] {
    const list: number[] = [];
    for (let frame = this.#journeys.get(id, FIRST); frame !== NONE; frame = this.#frames.get(frame, NEXT)) {
      list.push(frame);
    }
    return list;
  }

  firstFrame(id: number): number {
    return this.#journeys.get(id, FIRST);
  }

  /** 0 where a late frame showed that the journey was part of another one: such a journey is not listed. */
  hopCount(id: number): number {
    if (this.#pieceOf.size === 0 && this.#pieces.size === 0) return this.#journeys.get(id, HOPS);
    if (this.#pieceOf.has(id)) return 0;
    const others = this.#pieces.get(id)?.filter(({ journey }) => journey !== id) ?? [];
    return others.reduce((sum, { journey }) => sum + this.#journeys.get(journey, HOPS), this.#journeys.get(id, HOPS));
  }

  end(id: number): JourneyEnd {
    const pieces = this.#pieces.get(id);
    return pieces ? this.#endOfPieces(id, pieces) : this.#ownEnd(id);
  }

  /** What was cut arrives when it was seen whole where it lives, or each of its bytes was. */
  #endOfPieces(id: number, pieces: readonly PieceOf[]): JourneyEnd {
    const isWhole = !pieces.some(({ journey }) => journey === id);
    if (isWhole && this.#ownEnd(id) === "arrived") return "arrived";
    if ((this.#journeys.get(id, STATE) & ANSWERED) !== 0) return "arrived";
    let reached = 0;
    for (const { journey, from, to, isLast } of pieces.toSorted((one, other) => one.from - other.from)) {
      if (from > reached || this.#ownEnd(journey) !== "arrived") continue;
      if (isLast) return "arrived";
      reached = Math.max(reached, to);
    }
    const ends = [id, ...pieces.map(({ journey }) => journey)].map((journey) => this.#ownEnd(journey));
    if (ends.includes("in flight")) return "in flight";
    return ends.includes("lost") ? "lost" : "out of sight";
  }

  #ownEnd(id: number): JourneyEnd {
    const state = this.#journeys.get(id, STATE);
    if ((state & (ARRIVED | ANSWERED)) !== 0) return "arrived";
    if ((state & SETTLED) === 0) return "in flight";
    const last = this.#journeys.get(id, LAST);
    if (last === NONE) return "lost";
    const place = this.#frames.get(last, PLACE);
    return this.#wiring.seesOnward(place & 0xffff, (place >>> 16) & 3) ? "lost" : "out of sight";
  }

  /** What explaining a journey needs beside its frames. */
  facts(id: number): JourneyFacts {
    return {
      id,
      end: this.end(id),
      replyTo: this.replyTo(id),
      reply: optional(this.#journeys.get(id, REPLY)),
      repeatOf: optional(this.#journeys.get(id, REPEAT_OF)),
      error: optional(this.#journeys.get(id, REFUSED_BY)),
      errorOf: this.errorOf(id),
      delivered: this.journeyFrames(id).filter((frame) => this.#isDelivered(frame, this.#frames.get(frame, JOURNEY))),
    };
  }

  /** The journey that this one answers. */
  replyTo(id: number): number | undefined {
    const asked = optional(this.#journeys.get(id, REPLY_TO));
    return asked === undefined ? undefined : this.wholeOf(asked);
  }

  /** The journey that an ICMP error is about. */
  errorOf(id: number): number | undefined {
    const about = optional(this.#journeys.get(id, REFUSES));
    return about === undefined ? undefined : this.wholeOf(about);
  }

  /** Some of the journeys in the order in which they began, or were seen first at the interface with index `at`. */
  listJourneys(page: { first: number; count: number; at?: number }): { total: number; ids: number[] } {
    const last = page.first + page.count;
    if (page.at !== undefined) {
      const seen = this.#journeysSeenAt(page.at);
      return { total: seen.length, ids: seen.slice(page.first, last) };
    }
    const ids: number[] = [];
    if (this.#emptied === 0) {
      for (let id = page.first; id < Math.min(last, this.#journeyCount); id++) ids.push(id);
      return { total: this.#journeyCount, ids };
    }
    let position = 0;
    for (let id = 0; id < this.#journeyCount && position < last; id++) {
      if (this.hopCount(id) === 0) continue;
      if (position >= page.first) ids.push(id);
      position++;
    }
    return { total: this.#journeyCount - this.#emptied, ids };
  }

  #journeysSeenAt(interfaceIndex: number): number[] {
    this.#seenAt[interfaceIndex] ??= { upTo: 0, journeys: [] };
    const seen = this.#seenAt[interfaceIndex];
    for (; seen.upTo < this.#frameCount; seen.upTo++) {
      if ((this.#frames.get(seen.upTo, PLACE) & 0xffff) !== interfaceIndex) continue;
      const journey = this.#frames.get(seen.upTo, JOURNEY);
      // In and out at one interface are one line, and so are the pieces of a packet.
      if (this.#firstAt(journey, interfaceIndex) !== seen.upTo) continue;
      const whole = this.wholeOf(journey);
      if (!this.#pieces.has(whole) || !seen.journeys.includes(whole)) seen.journeys.push(whole);
    }
    return seen.journeys;
  }

  /** The earliest frame of the journey, by index, at the interface. */
  #firstAt(journey: number, interfaceIndex: number): number {
    let first = NONE;
    for (let frame = this.#journeys.get(journey, FIRST); frame !== NONE; frame = this.#frames.get(frame, NEXT)) {
      if ((this.#frames.get(frame, PLACE) & 0xffff) === interfaceIndex && frame < first) first = frame;
    }
    return first;
  }

  // ---- which journey a frame belongs to

  /** The open journey that the frame joins, of those that `newest` heads; NONE when it begins its own. */
  #choose(frame: number, newest: number): number {
    if (newest === NONE) return NONE;
    const journeys = this.#journeys;
    const frames = this.#frames;
    const at = this.#at.get(frame);
    const flow = frames.get(frame, FLOW);

    // Nearly always: one packet of this identity, not translated, seen next somewhere else.
    if (journeys.get(newest, OLDER) === NONE && journeys.get(newest, HOPS) > 0) {
      const last = journeys.get(newest, LAST);
      const wait = at - this.#at.get(last);
      if (wait >= 0 && wait < LONGEST_WAIT && frames.get(last, FLOW) === flow && !this.#isSeen(newest, frame)) {
        return newest;
      }
    }

    let best = NONE;
    let bestRank = 0;
    let bestDelay = 0;
    let candidates = 0;
    let passed = 0;
    for (let id = newest; id !== NONE && candidates < MOST_CANDIDATES; id = journeys.get(id, OLDER), candidates++) {
      if (journeys.get(id, HOPS) === 0) continue;
      if (this.#isSeen(id, frame)) {
        if (++passed === MOST_PASSED) break;
        continue;
      }
      let wait = Number.POSITIVE_INFINITY;
      let isNear = false;
      let isSameFlow = false;
      let sightings = 0;
      for (
        let other = journeys.get(id, FIRST);
        other !== NONE && sightings < MOST_SIGHTINGS;
        other = frames.get(other, NEXT), sightings++
      ) {
        const later = at - this.#at.get(other);
        wait = Math.min(wait, Math.abs(later));
        isSameFlow ||= frames.get(other, FLOW) === flow;
        isNear ||= later >= 0 && this.#mayFollow(other, frame);
        isNear ||= later <= 0 && this.#mayFollow(frame, other);
      }
      if (wait > LONGEST_WAIT || !(isNear || isSameFlow)) continue;
      const isYoung = wait < YOUNG;
      const rank = (isYoung ? 4 : 0) + (isNear ? 2 : 0) + (isSameFlow ? 1 : 0);
      // Equal packets in flight together keep their order: the one that began first goes first.
      const delay = isYoung ? this.#beganAt(id) : wait;
      if (rank > bestRank || (rank === bestRank && delay <= bestDelay)) {
        best = id;
        bestRank = rank;
        bestDelay = delay;
      }
    }
    return best;
  }

  #mayFollow(earlier: number, later: number): boolean {
    const from = this.#frames.get(earlier, PLACE);
    const to = this.#frames.get(later, PLACE);
    return this.#wiring.mayFollow(from & 0xffff, (from >>> 16) & 3, to & 0xffff, (to >>> 16) & 3);
  }

  /** Whether the journey has been where the frame is. The copies that a tunnel sends to several ends are one packet. */
  #isSeen(journey: number, frame: number): boolean {
    const frames = this.#frames;
    const place = frames.get(frame, PLACE);
    if ((this.#journeys.get(journey, SEEN) & seenBit(place)) === 0) return false;
    const outer = frames.get(frame, OUTER);
    for (let other = this.#journeys.get(journey, FIRST); other !== NONE; other = frames.get(other, NEXT)) {
      if (((frames.get(other, PLACE) ^ place) & 0x3ffff) === 0 && frames.get(other, OUTER) === outer) return true;
    }
    return false;
  }

  #hasFlow(journey: number, flow: number): boolean {
    const unsigned = flow >>> 0;
    return (
      this.#frames.get(this.#journeys.get(journey, LAST), FLOW) === unsigned ||
      this.#frames.get(this.#journeys.get(journey, FIRST), FLOW) === unsigned
    );
  }

  #begin(older: number): number {
    const id = this.#journeyCount++;
    const journeys = this.#journeys;
    journeys.reserve(id);
    journeys.set(id, FIRST, NONE);
    journeys.set(id, LAST, NONE);
    journeys.set(id, OLDER, older);
    journeys.set(id, REPLY_TO, NONE);
    journeys.set(id, REPLY, NONE);
    journeys.set(id, REPEAT_OF, NONE);
    journeys.set(id, REFUSED_BY, NONE);
    journeys.set(id, REFUSES, NONE);
    return id;
  }

  // ---- datagrams that were cut into pieces

  wholeOf(journey: number): number {
    return this.#pieceOf.get(journey) ?? journey;
  }

  /**
   * Joins a piece, whose journey just began, with what it is a piece of: the packet that was seen whole before, which the
   * first piece tells by what it asks; else the first of the pieces. Whether it is now part of another journey.
   */
  #joinDatagram(bytes: Uint8Array, journey: number, frame: number): boolean {
    const piece = this.#piece;
    const now = this.#at.get(frame);
    readPiece(bytes, this.#identity.piece, piece);
    const { from, to, isLast } = piece;
    const known = [piece.bySource, piece.byDestination]
      .map(({ a, b }) => this.#datagrams.get(a, b))
      .find((other) => other >= 0 && Math.abs(now - this.#beganAt(other)) < LONGEST_WAIT);
    let whole = known === undefined ? journey : this.wholeOf(known);
    if (from === 0) {
      const seen = this.#wholeSeen(bytes, frame, journey);
      // A piece that came before the first one was taken for the start.
      whole = seen === NONE ? (this.#pieceAt(whole, 0) ?? journey) : seen;
      if (known !== undefined) this.#movePieces(this.wholeOf(known), whole);
    }
    this.#datagrams.set(piece.bySource.a, piece.bySource.b, whole, now);
    this.#datagrams.set(piece.byDestination.a, piece.byDestination.b, whole, now);
    const pieces = this.#pieces.get(whole) ?? [];
    if (pieces.length >= MOST_PIECES) return false;
    pieces.push({ journey, from, to, isLast });
    this.#pieces.set(whole, pieces);
    this.#change(whole, 0);
    if (from === 0) this.#takeBack(journey, whole, frame);
    if (whole === journey) return false;
    const { request } = this.#exchange;
    // Who is asked answers the address that it was translated to.
    if (from === 0 && request.set) this.#requests.set(request.a, request.b, whole, now);
    this.#pieceOf.set(journey, whole);
    this.#emptied++;
    this.#seenAt.length = 0;
    return true;
  }

  /**
   * The journey of the packet before it was cut; NONE where its sender cut it. The first piece asks the same, unless it was
   * translated as it was cut: then it still has the same identification, and goes on where that packet was seen.
   */
  #wholeSeen(bytes: Uint8Array, frame: number, piece: number): number {
    readExchange(bytes, this.#walk, this.#identity, this.#exchange);
    const { request } = this.#exchange;
    const asked = request.set ? this.#requests.get(request.a, request.b) : -1;
    if (asked >= 0 && this.#mayBeWhole(asked, frame)) return asked;
    const { datagram } = this.#identity;
    for (let id = piece - 1; id >= 0 && id >= piece - MOST_CANDIDATES; id--) {
      if (this.#journeys.get(id, DATAGRAM) !== datagram || !this.#mayBeWhole(id, frame)) continue;
      if (this.#mayFollow(this.#journeys.get(id, LAST), frame)) return id;
    }
    return NONE;
  }

  #mayBeWhole(id: number, piece: number): boolean {
    if (this.#journeys.get(id, HOPS) === 0 || this.#pieceOf.has(id)) return false;
    if (this.#pieces.get(id)?.some(({ journey }) => journey === id)) return false;
    const age = this.#at.get(piece) - this.#beganAt(id);
    return age >= 0 && age < LONGEST_WAIT && !this.#isSeen(id, piece);
  }

  /**
   * Joins a packet that is seen whole after its pieces were: connection tracking puts a datagram together before it looks at
   * it, on a bridge too, and it is cut again on its way out. Whether it is now part of another journey.
   */
  #joinPieces(bytes: Uint8Array, journey: number, frame: number): boolean {
    if (this.#identity.datagram === 0 || this.#datagrams.size === 0) return false;
    const piece = this.#piece;
    readPiece(bytes, this.#walk.offsets[this.#walk.inner]!, piece);
    const at = this.#at.get(frame);
    const whole = [piece.bySource, piece.byDestination]
      .map(({ a, b }) => this.#datagrams.get(a, b))
      .filter((known) => known >= 0)
      .map((known) => this.wholeOf(known))
      .find((id) => at >= this.#beganAt(id) && at - this.#beganAt(id) < LONGEST_WAIT);
    const pieces = whole === undefined ? undefined : this.#pieces.get(whole);
    if (whole === undefined || !pieces || pieces.length >= MOST_PIECES) return false;
    // Another datagram with the same identification, unless it ends where the pieces do.
    if (pieces.some(({ isLast, to }) => isLast && to !== piece.to)) return false;
    this.#addPiece(whole, { journey, from: 0, to: piece.to, isLast: true });
    return true;
  }

  /** Joins what was taken in before the first of its pieces, although it was seen after it. */
  #takeBack(first: number, whole: number, frame: number): void {
    const { datagram } = this.#identity;
    const at = this.#at.get(frame);
    for (let id = first - 1; id >= 0 && id >= first - MOST_CANDIDATES; id--) {
      const journeys = this.#journeys;
      if (journeys.get(id, DATAGRAM) !== datagram || id === whole || journeys.get(id, HOPS) === 0) continue;
      const wait = this.#beganAt(id) - at;
      const isSameFlow = this.#frames.get(journeys.get(id, FIRST), FLOW) === this.#frames.get(frame, FLOW);
      if (wait < 0 || wait > YOUNG || !isSameFlow || this.#pieceOf.has(id) || this.#pieces.has(id)) continue;
      this.#addPiece(whole, { journey: id, from: 0, to: Number.POSITIVE_INFINITY, isLast: true });
      this.#moveLinks(id, whole);
      return;
    }
  }

  #addPiece(whole: number, piece: PieceOf): void {
    this.#pieces.set(whole, [...(this.#pieces.get(whole) ?? []), piece]);
    this.#pieceOf.set(piece.journey, whole);
    this.#emptied++;
    this.#seenAt.length = 0;
    this.#change(whole, 0);
  }

  /** What answers a journey, and what it answers, does so for another one from now on. */
  #moveLinks(from: number, to: number): void {
    const journeys = this.#journeys;
    const pairs = [
      [REPLY, REPLY_TO],
      [REPLY_TO, REPLY],
      [REFUSED_BY, REFUSES],
      [REFUSES, REFUSED_BY],
    ] as const;
    for (const [column, back] of pairs) {
      const other = journeys.get(from, column);
      journeys.set(from, column, NONE);
      if (other === NONE || journeys.get(to, column) !== NONE) continue;
      journeys.set(to, column, other);
      journeys.set(other, back, to);
      this.#change(other, 0);
    }
    this.#change(to, journeys.get(from, STATE) & (ANSWERED | ERROR));
  }

  /** Of a journey: itself where one of its pieces begins at that byte. */
  #pieceAt(journey: number, from: number): number | undefined {
    const isWhole = (piece: PieceOf) => piece.from === 0 && piece.isLast;
    return this.#pieces.get(journey)?.some((piece) => piece.from === from && !isWhole(piece)) ? journey : undefined;
  }

  #movePieces(from: number, to: number): void {
    if (from === to) return;
    const moved = this.#pieces.get(from) ?? [];
    this.#pieces.delete(from);
    this.#pieces.set(to, [...(this.#pieces.get(to) ?? []), ...moved]);
    for (const { journey } of moved) {
      if (journey === to) continue;
      if (!this.#pieceOf.has(journey)) this.#emptied++;
      this.#pieceOf.set(journey, to);
    }
    this.#seenAt.length = 0;
    this.#change(from, 0);
  }

  #join(frame: number, journey: number): void {
    const frames = this.#frames;
    const journeys = this.#journeys;
    frames.set(frame, JOURNEY, journey);
    const last = journeys.get(journey, LAST);
    if (last === NONE || this.#isBefore(last, frame)) {
      frames.set(frame, NEXT, NONE);
      if (last === NONE) journeys.set(journey, FIRST, frame);
      else frames.set(last, NEXT, frame);
      journeys.set(journey, LAST, frame);
    } else {
      let before = NONE;
      let after = journeys.get(journey, FIRST);
      while (this.#isBefore(after, frame)) {
        before = after;
        after = frames.get(after, NEXT);
      }
      frames.set(frame, NEXT, after);
      if (before === NONE) journeys.set(journey, FIRST, frame);
      else frames.set(before, NEXT, frame);
    }
    journeys.set(journey, HOPS, journeys.get(journey, HOPS) + 1);
    journeys.set(journey, SEEN, journeys.get(journey, SEEN) | seenBit(frames.get(frame, PLACE)));
    this.#change(journey, this.#isDelivered(frame, journey) ? ARRIVED : 0);
  }

  /** By time; frames of the same nanosecond in an order that does not depend on which came first. */
  #isBefore(one: number, other: number): boolean {
    const earlier = this.#at.get(one) - this.#at.get(other);
    if (earlier !== 0) return earlier < 0;
    return (this.#frames.get(one, PLACE) & 0x3ffff) <= (this.#frames.get(other, PLACE) & 0x3ffff);
  }

  /** Marks the new journey where equal packets were seen at this place before. */
  #repeat(frame: number, journey: number, newest: number): void {
    let candidates = 0;
    for (let id = newest; id !== NONE && candidates < MOST_CANDIDATES; id = this.#journeys.get(id, OLDER)) {
      candidates++;
      if (id === journey || !this.#isSeen(id, frame)) continue;
      const root = this.#journeys.get(id, REPEAT_OF);
      this.#journeys.set(journey, REPEAT_OF, root === NONE ? id : root);
      return;
    }
  }

  /**
   * A frame that comes after later ones may show that equal packets were told apart wrongly: their frames are dealt
   * out again, by time.
   */
  #resort(late: number, newest: number): void {
    const journeys = this.#journeys;
    const at = this.#at.get(late);
    if (!this.#isLate(late, newest)) return;
    const ids: number[] = [];
    const frames: number[] = [];
    for (let id = newest; id !== NONE; id = journeys.get(id, OLDER)) {
      const hops = journeys.get(id, HOPS);
      if (hops > 0 && Math.abs(at - this.#at.get(journeys.get(id, LAST))) > 2 * LONGEST_WAIT) {
        if (at > this.#at.get(journeys.get(id, LAST))) break;
        continue;
      }
      if (ids.length === MOST_RESORTED || frames.length + hops > MOST_RESORTED_FRAMES) return;
      ids.push(id);
      frames.push(...this.#ownFrames(id));
    }

    frames.sort((one, other) => (this.#isBefore(one, other) ? -1 : 1));
    ids.reverse();
    for (const id of ids) {
      if (journeys.get(id, HOPS) === 0) this.#emptied--;
      journeys.set(id, FIRST, NONE);
      journeys.set(id, LAST, NONE);
      journeys.set(id, HOPS, 0);
      journeys.set(id, SEEN, 0);
      journeys.set(id, REPEAT_OF, NONE);
      journeys.set(id, STATE, journeys.get(id, STATE) & ~ARRIVED);
    }
    this.#seenAt.length = 0;
    for (const frame of frames) {
      const chosen = this.#choose(frame, newest);
      if (chosen !== NONE) {
        this.#join(frame, chosen);
        continue;
      }
      // A packet keeps its number where it can, for its links. Were there ever more packets than before, the last
      // one takes the frame rather than losing it.
      const before = this.#frames.get(frame, JOURNEY);
      const id =
        journeys.get(before, HOPS) === 0 ? before : (ids.find((each) => journeys.get(each, HOPS) === 0) ?? ids.at(-1)!);
      this.#repeat(frame, id, newest);
      this.#join(frame, id);
    }
    for (const id of ids) {
      if (journeys.get(id, HOPS) > 0) continue;
      this.#emptied++;
      this.#change(id, 0);
    }
  }

  /** Whether one of the packets that `newest` heads was seen after the frame, or at once with it. */
  #isLate(frame: number, newest: number): boolean {
    const at = this.#at.get(frame);
    let candidates = 0;
    for (let id = newest; id !== NONE && candidates < MOST_RESORTED; id = this.#journeys.get(id, OLDER)) {
      candidates++;
      const last = this.#journeys.get(id, LAST);
      if (last !== NONE && last !== frame && this.#at.get(last) >= at) return true;
    }
    return false;
  }

  // ---- how a journey ends

  #isDelivered(frame: number, journey: number): boolean {
    const place = this.#frames.get(frame, PLACE);
    const direction = (place >>> 16) & 3;
    if (direction === OUT || (place & BARE) === 0) return false;
    const wiring = this.#wiring;
    const here = place & 0xffff;
    const namespace = wiring.namespace[here]!;
    const first = this.#frames.get(this.#journeys.get(journey, FIRST), PLACE);
    const isHome = wiring.namespace[first & 0xffff] === namespace;
    if ((place & GROUP) !== 0) return !isHome && wiring.isEndpoint[here]!;
    if (direction !== IN && isHome) return false;
    return this.#owners.isOwner(this.#frames.get(frame, DESTINATION), namespace);
  }

  /** Whether the journey has ended. */
  #settleOne(id: number, now: number): boolean {
    const state = this.#journeys.get(id, STATE);
    if ((state & SETTLED) !== 0) return true;
    const last = this.#journeys.get(id, LAST);
    if (last !== NONE && now - this.#at.get(last) <= QUIET) return false;
    // An owner may have become known after the frame came.
    const isNews = (state & (ARRIVED | ANSWERED)) === 0;
    const arrived = isNews && this.#ownFrames(id).some((frame) => this.#isDelivered(frame, id)) ? ARRIVED : 0;
    this.#journeys.set(id, STATE, state | SETTLED | arrived | (isNews ? CHANGED : 0));
    return true;
  }

  /** Notes that the journey changed, and adds `bits` to its state. */
  #change(id: number, bits: number): void {
    const state = this.#journeys.get(id, STATE) | bits;
    if (id < this.#settledUpTo && (state & CHANGED) === 0) this.#changedLate.push(id);
    this.#journeys.set(id, STATE, state | CHANGED);
  }

  // ---- requests and replies

  /**
   * Links the journey with what it answers and with what answers it, whichever was seen first, and remembers what it
   * asks and answers.
   */
  #exchangeOf(bytes: Uint8Array, journey: number, frame: number): void {
    const exchange = this.#exchange;
    readExchange(bytes, this.#walk, this.#identity, exchange);
    const { request, reply, isDatagram } = exchange;
    const now = this.#at.get(frame);
    if (exchange.isError) this.#change(journey, ERROR);
    if (reply.set) {
      const asked = this.#requests.get(reply.a, reply.b);
      if (asked >= 0) this.#link(asked, journey, exchange);
      const other = this.#replies.get(reply.a, reply.b);
      // The first of several answers counts; much later ones are to a later question.
      const wait = other < 0 ? -1 : this.#beganAt(journey) - this.#beganAt(other);
      if (wait < 0 || wait > QUIET) this.#replies.set(reply.a, reply.b, journey, now);
    }
    if (!request.set || (isDatagram && this.#journeys.get(journey, REPLY_TO) !== NONE)) return;
    const before = this.#requests.get(request.a, request.b);
    if (before >= 0 && exchange.isSegment) this.#retransmit(before, journey);
    const answered = this.#replies.get(request.a, request.b);
    if (answered >= 0) this.#link(journey, answered, exchange);
    if (before < 0 || this.#beganAt(before) <= this.#beganAt(journey)) {
      this.#requests.set(request.a, request.b, journey, now);
    }
  }

  /** Infinity for a journey that lost all its frames to another one: it is before nothing. */
  #beganAt(journey: number): number {
    const first = this.#journeys.get(journey, FIRST);
    return first === NONE ? Number.POSITIVE_INFINITY : this.#at.get(first);
  }

  /** Of several questions the latest before the answer counts, of several answers the first. */
  #link(request: number, reply: number, exchange: Exchange): void {
    const journeys = this.#journeys;
    const asked = this.#beganAt(request);
    const answered = this.#beganAt(reply);
    const wait = answered - asked;
    if (request === reply || !(wait >= 0 && wait <= LONGEST_REPLY)) return;
    if ((journeys.get(reply, STATE) & ERROR) !== 0) {
      this.#linkError(request, reply);
      return;
    }
    // A datagram that answers another one asks nothing.
    if (exchange.isDatagram && journeys.get(request, REPLY_TO) !== NONE) return;
    const oldReply = journeys.get(request, REPLY);
    const oldRequest = journeys.get(reply, REPLY_TO);
    if (oldReply !== NONE && this.#beganAt(oldReply) <= answered) return;
    if (oldRequest !== NONE && this.#beganAt(oldRequest) >= asked) return;
    if (oldReply !== NONE) this.#unlink(request, oldReply);
    if (oldRequest !== NONE) this.#unlink(oldRequest, reply);
    journeys.set(request, REPLY, reply);
    journeys.set(reply, REPLY_TO, request);
    // Who answers has had the question, even where that was not captured.
    this.#change(request, ANSWERED);
    this.#change(reply, 0);
  }

  /** The first error about a packet counts. */
  #linkError(about: number, error: number): void {
    const journeys = this.#journeys;
    const old = journeys.get(about, REFUSED_BY);
    if (old !== NONE && this.#beganAt(old) <= this.#beganAt(error)) return;
    if (old !== NONE) journeys.set(old, REFUSES, NONE);
    journeys.set(about, REFUSED_BY, error);
    journeys.set(error, REFUSES, about);
    this.#change(about, 0);
    this.#change(error, 0);
  }

  #unlink(request: number, reply: number): void {
    const journeys = this.#journeys;
    journeys.set(request, REPLY, NONE);
    journeys.set(reply, REPLY_TO, NONE);
    journeys.set(request, STATE, journeys.get(request, STATE) & ~ANSWERED);
    this.#change(request, 0);
    this.#change(reply, 0);
  }

  #retransmit(one: number, other: number): void {
    if (one === other || this.#journeys.get(one, HOPS) === 0) return;
    const isInOrder = this.#beganAt(one) <= this.#beganAt(other);
    const first = isInOrder ? one : other;
    const again = isInOrder ? other : one;
    if (this.#journeys.get(again, REPEAT_OF) !== NONE) return;
    // The key has where the segment ends; one that is as long begins at the same byte too.
    if (this.#lengthOf(first) !== this.#lengthOf(again)) return;
    const root = this.#journeys.get(first, REPEAT_OF);
    this.#journeys.set(again, REPEAT_OF, root === NONE ? first : root);
    this.#change(again, 0);
  }

  /** Bytes on the wire at the first hop. */
  #lengthOf(journey: number): number {
    return this.#frames.get(this.#journeys.get(journey, FIRST), LENGTH);
  }
}

function seenBit(place: number): number {
  return 1 << (((place & 0xffff) * 3 + ((place >>> 16) & 3)) & 31);
}

function optional(id: number): number | undefined {
  return id === NONE ? undefined : id;
}
