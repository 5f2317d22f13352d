-- +goose Up

-- A lesson: drawn from a case (source), carried out in a case of its own (case_id, 0 while it is a draft). A draft is what a
-- request that never came to its end leaves; it is forgotten after a while.
create table lessons (
  id INTEGER PRIMARY KEY,
  source INTEGER not null,
  case_id INTEGER not null,
  words TEXT not null,
  why TEXT not null,
  kind TEXT not null,
  selection TEXT not null,
  per TEXT not null check (per in ('asset', 'holder')),
  due_at INTEGER not null,
  assets INTEGER not null,
  state TEXT not null check (state in ('draft', 'sending', 'sent')),
  sent_at INTEGER not null,
  by_id INTEGER not null,
  by_name TEXT not null,
  organisation INTEGER not null,
  post TEXT not null
) STRICT;
create index lessons_source on lessons (source, id);
create index lessons_sending on lessons (state, id) where state <> 'sent';

-- The assets that a lesson is for, with who held them and where they stood when it went out. task is 0 until it is given; result
-- is '' until somebody has looked. closed says that the task was told to be done after its last asset was answered for.
create table lesson_targets (
  lesson INTEGER not null references lessons (id),
  asset INTEGER not null,
  organisation INTEGER not null,
  area INTEGER not null,
  task INTEGER not null,
  result TEXT not null check (result in ('', 'sound', 'wrong')),
  note TEXT not null,
  answered_at INTEGER,
  finding INTEGER not null,
  finding_case INTEGER not null,
  closed INTEGER not null,
  primary key (lesson, asset)
) STRICT;
create index lesson_targets_task on lesson_targets (lesson, task, asset);
create index lesson_targets_area on lesson_targets (lesson, area, asset);
create index lesson_targets_holder on lesson_targets (lesson, organisation, asset);

-- +goose Down
drop table lesson_targets;
drop table lessons;
