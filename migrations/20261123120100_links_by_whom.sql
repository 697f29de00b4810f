-- Who made a link by which a password is set: the links of somebody who is deactivated hold no more.
--
-- Reads:    api.
-- Locks:    password_links for the moment in which the catalogue changes. No index: the table has some dozens of rows a
--           tenant, and they are looked for by their maker only when somebody is deactivated.
-- Undo:     alter table password_links drop column made_by;
-- Personal: none: an id. A link that the release before made says nothing of its maker, and holds until it expires.

-- Null: made by hand, by a key, or by the release before.
alter table password_links add column made_by uuid;
grant select (made_by) on password_links to vio_app;
