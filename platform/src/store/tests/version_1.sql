-- What slugbuilder wrote in the first form of its database. It stays as it is: later programs have to read it.
PRAGMA application_id = 0x736c7567;
PRAGMA user_version = 1;
INSERT INTO user (number, id, email, name, created_at, updated_at) VALUES
    (1, x'0123456789ab4def80123456789abc01', 'first@example.com', 'Tina Edmonds', 1325419200000000, 1325419200000000);
INSERT INTO token (hash, user, origin, created_at) VALUES
    (x'fafdcdb608ed43c6210b13a47152bb6be5fcd5d9051ad176a286a6fd04737f11', 1, 'settings', 1325419200000001);
INSERT INTO app (number, id, name, owner, stack, build_stack, region, created_at, updated_at, released_at) VALUES
    (1, x'0123456789ab4def80123456789abc02', 'first-app', 1, 'heroku-24', 'heroku-24', 'eu',
        1325419200000002, 1325419200000009, 1325419200000009);
INSERT INTO slug (number, id, app, checksum, commit_id, process_types, stack, size, sha256, uploaded_at, created_at, updated_at) VALUES
    (1, x'0123456789ab4def80123456789abc03', x'0123456789ab4def80123456789abc02', NULL,
        '60883d9e8947a57e04dc9124f25df004866a2051', '{"web":"serve"}', 'heroku-24', 5,
        x'277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9', 1325419200000008, 1325419200000007, 1325419200000008);
INSERT INTO config (number, app, digest, vars) VALUES
    (1, 1, x'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', '{}'),
    (2, 1, x'c73dd9fca58e98a9585e9df9e8bcde99fed2bb2f058b328bf119704a2b819b5d', '{"A":"1"}');
INSERT INTO release (app, version, id, slug, config, description, status, has_release_phase, user, created_at, updated_at) VALUES
    (1, 1, x'0123456789ab4def80123456789abc04', NULL, 1, 'Initial release', 'succeeded', 0, 1, 1325419200000003, 1325419200000003),
    (1, 2, x'0123456789ab4def80123456789abc05', NULL, 1, 'Enable Logplex', 'succeeded', 0, 1, 1325419200000004, 1325419200000004),
    (1, 3, x'0123456789ab4def80123456789abc06', 1, 2, 'Deploy 60883d9', 'succeeded', 0, 1, 1325419200000009, 1325419200000009);
INSERT INTO formation (app, type, id, command, quantity, size, created_at, updated_at) VALUES
    (1, 'web', x'0123456789ab4def80123456789abc07', 'serve', 1, 'Basic', 1325419200000009, 1325419200000009);
