// What the API sends, field for field (snake_case, times RFC 3339 UTC). These
// are descriptions, not checks: a field that a room has not filled yet is
// undefined or null, and the pages must bear that.

export type Lang = 'en' | 'zh-CN';

/** A text that a pack, a city or an officer gives in both languages. */
export type LocalText = Partial<Record<Lang, string>>;

export type Level = 'red' | 'orange' | 'yellow' | 'blue';

/** An alert about the watch itself, such as a silent instrument, has no level. */
export type AlertLevel = Level | 'none';

export interface Page<T> {
  items: T[];
  next?: string | number | null;
}

export interface Session {
  actor: { id: number; name: string; organisation?: number; organisation_name?: LocalText | string; roles: string[] };
  demo: boolean;
  city: { name: LocalText | string; time_zone: string; bounds?: [number, number, number, number] | null };
  version: string;
}

export interface Area {
  id: number;
  external_id: string;
  level: string;
  name: LocalText | string;
  parent?: number | null;
  geometry?: GeoJSON.Geometry | null;
}

export interface Place {
  id: number;
  kind?: string;
  name: LocalText | string;
  geometry?: GeoJSON.Geometry | null;
}

export type AssetState = 'ok' | 'alert' | 'silent' | 'unknown';

export interface Datastream {
  id: number;
  name: LocalText | string;
  property: string;
  unit: string;
  /** The value is null where it must not be shown: the sensor stands in a home. */
  latest?: { at: string; value: Value | null; marks?: string[] | null } | null;
  count: number;
}

export interface Asset {
  id: number;
  external_id: string;
  kind: string;
  kind_title?: LocalText;
  pack?: string;
  name: LocalText | string;
  place?: number | string | null;
  place_name?: LocalText | string | null;
  area?: number | null;
  area_name?: LocalText | string | null;
  organisation?: number | null;
  organisation_name?: LocalText | string | null;
  point?: [number, number] | null;
  state: AssetState;
  alert_level?: Level | null;
  datastreams?: Datastream[];
  duties?: { kind: string; organisation: number; organisation_name: LocalText | string; role?: string; post?: string }[];
}

export type Value = number | string | boolean;

export interface Reading {
  at: string;
  value: Value;
  /** What is doubtful about it. */
  marks?: string[] | null;
}

/** The numbers of one interval, summed up. */
export interface Bucket {
  from: string;
  count: number;
  avg: number;
  min: number;
  max: number;
  last: number;
}

export interface DeadLetter {
  id: number;
  time: string;
  listener: string;
  client: string;
  topic: string;
  payload: string;
  size: number;
  code: number;
  reason: string;
}

export type AlertState = 'raised' | 'acknowledged' | 'cleared';
export type Fault = 'silent' | 'stuck' | 'comms';
export type Maturity = 'stable' | 'trial' | 'draft';
export type Verdict = 'real' | 'false' | 'unclear' | 'drill';

export interface Alert {
  id: number;
  detector: string;
  kind?: 'hazard' | 'monitoring';
  /** What is wrong with the watch: an instrument silent or stuck, or the link to many. */
  fault?: Fault;
  title: LocalText;
  level: AlertLevel;
  state: AlertState;
  /** How far its detector may be trusted. */
  maturity?: Maturity;
  asset?: number | null;
  asset_name?: LocalText | string | null;
  place?: number | string | null;
  place_name?: LocalText | string | null;
  area?: number | null;
  area_name?: LocalText | string | null;
  point?: [number, number] | null;
  since: string;
  raised_at: string;
  acknowledged_at?: string | null;
  acknowledged_by?: Who;
  cleared_at?: string | null;
  because?: LocalText | null;
  rule?: LocalText | null;
  /** What would clear it, in words; older servers say it inside `rule`. */
  clears?: LocalText | null;
  case?: number | null;
  /** Planned works that were on when it was raised. */
  works?: DuringWorks | null;
  /** Who put it aside until when. */
  shelf?: Shelved | null;
  /** The alert that explains it. */
  design?: Explained | null;
  rests?: boolean;
  /** The alert that leads the group of one cause; none when this one leads or stands alone. */
  lead?: number;
  /** How many open alerts this one leads. */
  group?: number;
  /** Who has acknowledged its group as a whole; one that is raised has joined since, or come back. */
  group_acknowledged?: { at: string; by: string } | null;
  /** It comes and goes, and stands until it has settled. */
  chatters?: boolean;
  /** Readings that it rests on were changed afterwards. */
  amended?: boolean;
  outcome?: Outcome | null;
  datastream?: number | null;
  /** All that its detector watches there. */
  datastreams?: number[] | null;
  /** The same under their names, when one alert is asked for. */
  instruments?: Instrument[] | null;
  /** What the variables of the rule came to, at its latest step. */
  figures?: Figure[] | null;
  /** Of a rule that joins others. */
  signals?: Signal[] | null;
  unit?: string | null;
  readings?: Reading[] | null;
  /** When one alert is asked for: where it may come from can be asked. */
  origin?: boolean;
  /** Only when one alert is asked for. */
  history?: AlertStep[] | null;
}

/** One of the instruments that an alert is about. */
export interface Instrument {
  datastream: number;
  /** Empty when it is no longer in the register. */
  name: string;
  property: LocalText;
  unit: string;
  asset: number;
  asset_name: LocalText;
  place: number;
  place_name: LocalText;
  home?: boolean;
  /** Its newest reading when the alert was raised, and now. */
  raised?: { at: string; value: number } | null;
  latest?: { at: string; value: number } | null;
  heard_at?: string | null;
  deviates?: boolean;
}

export interface Figure {
  name: string;
  title: LocalText;
  value: number;
  unit?: string;
  /** The value is a multiple of the limit. */
  ratio?: boolean;
}

/** An alert or a report that a rule which joins others has counted. */
export interface Signal {
  alert?: number;
  report?: number;
  title: LocalText;
  asset_name?: LocalText;
  place_name?: LocalText;
  level: AlertLevel;
  at: string;
}

/** What a deed about a group as a whole came to. */
export interface GroupDeed {
  lead: number;
  done: number[];
  refused: { alert: number; title: LocalText; asset_name: LocalText; code: string; reason: string; by?: string }[];
}

/** Which assets the wind points at; probabilities are null while the wind does not say. */
export interface Origin {
  verdict: 'named' | 'undecided' | 'no_wind';
  says: LocalText;
  from: string;
  until: string;
  candidates: OriginCandidate[];
  none: number | null;
  left_out?: number;
  instruments: number;
  wind: { asset: number; name: LocalText; distance: number; from: number | null; speed: number | null; carried: number } | null;
}

export interface OriginCandidate {
  asset: number;
  name: LocalText;
  point: [number, number];
  /** Metres, and degrees clockwise from north, from where the alert stands. */
  distance: number;
  bearing: number;
  probability: number | null;
}

export interface DuringWorks {
  works: number;
  reason: string;
  from: string;
  until: string;
  /** They are on still: nothing sounds, no case is opened. */
  rests: boolean;
  /** Since when the alert counts like any other. */
  over_at?: string | null;
}

export interface Shelved {
  shelf: number;
  until: string;
  reason: string;
  by: string;
  over_at?: string | null;
}

export interface Explained {
  alert: number;
  title: LocalText;
  over_at?: string | null;
}

/** What people found out about an alert. */
export interface Outcome {
  verdict: Verdict;
  /** When the hazard began by what was found. */
  onset?: string | null;
  note?: string;
  by?: Who;
  /** The case whose end says so; none when a person said it here. */
  case?: number;
  at: string;
}

export interface AlertStep {
  id: number;
  at: string;
  kind: string;
  level: AlertLevel;
  actor?: string;
  note?: string;
  because?: LocalText | null;
  figures?: Figure[] | null;
  /** When a reading that came late showed that it was not so. */
  undone_at?: string | null;
}

/** A person as the API names one: a name, or an object with one. */
export type Who = string | { id?: number; name?: string } | null | undefined;

export interface Case {
  id: number;
  kind: string;
  kind_title: LocalText;
  title: LocalText | string;
  state: string;
  state_title: LocalText;
  level?: Level | null;
  alert?: number | null;
  finding?: number | null;
  report?: number | null;
  asset?: number | null;
  asset_name?: LocalText | string | null;
  place?: number | string | null;
  place_name?: LocalText | string | null;
  area?: number | null;
  area_name?: LocalText | string | null;
  point?: [number, number] | null;
  owner?: number | null;
  owner_name?: LocalText | string | null;
  /** The owner's post that has it. */
  post?: string;
  /** The organisation that runs it; none is the city's own watch. */
  desk?: number | null;
  desk_name?: LocalText | null;
  /** The level at which its supervision is listed. */
  listed?: string;
  listed_title?: LocalText | null;
  reopened?: number;
  parent?: number | null;
  merged_into?: number | null;
  private?: boolean;
  overdue?: boolean;
  opened_at: string;
  /** When it came into its present state. */
  since?: string;
  due_at?: string | null;
  closed_at?: string | null;
}

export interface TimelineEntry {
  id: number;
  at: string;
  actor?: Who;
  kind: string;
  text?: LocalText | string | null;
  data?: unknown;
  /** No person wrote it. */
  program?: boolean;
  /** What the form of the move was answered with. */
  answers?: Answer[] | null;
}

/** A stretch of a timeline, the oldest line first. */
export interface TimelinePage {
  items: TimelineEntry[];
  earlier: number;
}

/** A form's answer, in the words of the form; a choice and an organisation by their titles. */
export interface Answer {
  title: LocalText | string;
  kind: string;
  value: unknown;
}

export interface Task {
  id: number;
  title: LocalText | string;
  state: string;
  assignee?: Who;
  organisation?: number;
  organisation_name?: LocalText | null;
  due_at?: string | null;
  acknowledged_at?: string | null;
  acknowledged_by?: Who;
  done_at?: string | null;
  answer?: string;
  may_acknowledge: boolean;
  may_finish: boolean;
}

/** A promise of a time: of a state, across states, of a task, of the decision on an ask. */
export interface Limit {
  /** "state", "limit:closing", "task:7", "ask:3" */
  name: string;
  title: LocalText;
  organisation?: number | null;
  organisation_name?: LocalText | null;
  post?: string;
  started_at: string;
  due_at: string;
  /** Before it was set later. */
  first_due_at: string;
  extensions: number;
  ended_at?: string | null;
  state: 'running' | 'met' | 'withdrawn' | 'passed-on';
  late: boolean;
}

/** A move that needs another person's word. */
export interface Ask {
  id: number;
  move: string;
  title: LocalText;
  fields?: Record<string, unknown> | null;
  note?: string;
  asked_by: Who;
  asked_at: string;
  decide_by?: string | null;
  state: string;
  decided_by?: Who;
  decided_at?: string | null;
  reason?: string;
  may_decide?: boolean;
  answers?: Answer[] | null;
}

/** What somebody wrote in a private case; entry 0 is what it was opened with. */
export interface PrivateWords {
  entry: number;
  title?: string;
  text?: string;
  fields?: Record<string, string>;
}

export interface Evidence {
  id: number;
  kind: string;
  at: string;
  by?: Who;
  text?: LocalText | string | null;
  url?: string | null;
  media?: string | null;
  reading?: { datastream: number; property: string; unit: string; value: number; at: string } | null;
}

/** Either a form field that the move fills in, or evidence to attach before. */
export interface Requirement {
  field?: string;
  /** text, number, time, choice, organisation, organisations, post or case */
  kind?: string;
  options?: { id: string; title: LocalText }[] | null;
  /** photo, reading, note or form */
  evidence?: string;
  below?: Record<string, string> | null;
  above?: Record<string, string> | null;
  /** The evidence is there and good. */
  met?: boolean;
  title: LocalText;
}

export interface Move {
  name: string;
  title: LocalText;
  allowed: boolean;
  why_not?: LocalText | string | null;
  /** What it does beside leading to another state. */
  does?: string;
  /** It takes effect only when another person grants it. */
  approval?: boolean;
  requires?: Requirement[] | null;
}

export interface CaseDetail extends Case {
  /** Its newest lines, the oldest of them first. */
  timeline?: TimelineEntry[] | null;
  /** How many lines stand before those. */
  earlier?: number;
  tasks?: Task[] | null;
  evidence?: Evidence[] | null;
  moves?: Move[] | null;
  limits?: Limit[] | null;
  asks?: Ask[] | null;
  parties?: { organisation: number; role: string; name?: LocalText | null }[] | null;
  parts?: { id: number; owner?: number | null; owner_name?: LocalText | null; state_title: LocalText; outcome?: string; closed_at?: string | null }[] | null;
  /** The cases that this one goes on in the place of. */
  merged?: number[] | null;
}

export type WarningState = 'draft' | 'proposed' | 'issued' | 'cancelled' | 'expired';

/** What CAP calls the status: only an actual warning ever reaches the public. */
export type WarningStatus = 'Actual' | 'Exercise' | 'System' | 'Test' | 'Draft';

/** Where a warning holds; 0 is an area that was drawn, or lies around something. */
export interface WarningArea {
  id: number;
  name: LocalText | string;
  rings?: [number, number][][] | null;
}

export interface Warning {
  id: number;
  number: string;
  level: Level;
  hazard: string;
  event?: LocalText | null;
  headline: LocalText;
  description?: LocalText | null;
  instruction?: LocalText | null;
  areas: WarningArea[];
  state: WarningState;
  status?: WarningStatus;
  proposed_by?: Who;
  approved_by?: Who;
  /** False for the proposer: another officer has to. */
  may_approve?: boolean;
  /** Whether its level asks for a second officer at all. */
  second_person?: boolean;
  version?: number;
  /** An update that waits for a second officer. */
  pending?: (Pick<Warning, 'headline' | 'description' | 'instruction' | 'level' | 'areas' | 'proposed_by' | 'version' | 'expires' | 'onset'> & { proposed_at?: string }) | null;
  public?: boolean;
  end_kind?: string;
  end_reason?: string | null;
  ended_at?: string | null;
  ended_by?: Who;
  onset?: string | null;
  expires?: string | null;
  sent?: string | null;
  /** The alerts that it rests on. */
  alerts?: number[] | null;
  /** Joined from the verdicts: null is one that is owed. */
  verdict?: WarningVerdict | null;
  /** Only when one warning is asked for. */
  messages?: WarningMessage[] | null;
}

/** One version of a warning: what was proposed, or what was published. */
export interface WarningMessage {
  version: number;
  kind: string;
  /** What it does to the one before: an update may raise or lower the level. */
  change?: string;
  level?: Level;
  state: string;
  identifier?: string;
  proposed_by?: Who;
  proposed_at: string;
  approved_by?: Who;
  sent?: string | null;
  reason?: string;
  url?: string;
}

/** What really happened, said when a warning is over. */
export interface WarningVerdict {
  version?: number;
  verdict: string;
  /** When the danger began. */
  began?: string | null;
  what?: string;
  reason?: string;
  by?: Who;
  at?: string;
}

export interface Hazard {
  id: string;
  event: LocalText;
  instruction?: LocalText | null;
  /** Whose warnings of it are passed on and never composed here. */
  relayed_from?: string;
}

export interface Report {
  id: number;
  number: string;
  category: string;
  category_title?: LocalText | null;
  text: string;
  address?: string | null;
  point?: [number, number] | null;
  precision?: 'point' | 'area' | 'unknown';
  area?: number | null;
  state: string;
  received_at: string;
  channel: string;
  case?: number | null;
}

export interface Counters {
  sources: { source: string; in: number; accepted: number; refused: number }[];
  total: {
    in: number;
    accepted: number;
    refused: number;
    logged: number;
    stored: number;
    deleted: number;
    evaluated: number;
    lag: number;
  };
  stale: number;
  /** What MQTT clients sent, by listener, since the server's start. */
  mqtt?: { listener: string; received: number; accepted: number; refused: number; failed: number }[] | null;
}

export interface Score {
  planted: number;
  found: number;
  missed: number;
  /** Not begun yet. An older server does not say it, and counts these among the missed. */
  pending?: number;
  false_alerts: number;
  minutes_of_warning: (number | null)[];
  incidents: Record<string, unknown>[];
}
