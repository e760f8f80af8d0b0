"""The defences between tenants: for each the line that makes it, and the tests that miss it."""

from __future__ import annotations

from typing import NamedTuple

API = "tests/security/test_api.py"
BUS = "tests/security/test_bus_between_roles.py"
OBJECTS = "tests/security/test_objects.py"
PAGE = "tests/security/test_page.py"
PLANTED = "tests/security/test_planted_secrets.py"
ROWS = "tests/security/test_rows.py"
TOKENS = "tests/security/test_tokens.py"
WEBHOOKS = "tests/security/test_webhooks.py"
WIRE = "tests/security/test_wire.py"
DEAD = "tests/integration/bus/test_dead.py"
ISOLATION = "tests/integration/local/test_isolation.py"
NAMED = "tests/integration/isolation/test_batches.py::test_a_transaction_sees_the_tenants_it_named"
UNIT = "tests/unit"
ISOLATE = "callfunnel/infra/migrations/0001_platform.sql"
STORE = "callfunnel/infra/migrations/0211_timeline_batches.sql"
RIGHTS = "callfunnel/local/services/bus_rights.py"
VERIFY = "callfunnel/auth/tokens.py"
SHELL = "gateway/shell.py"


class Defence(NamedTuple):
    """`line` stands once in `file`; with `instead` in its place, each of `tests` must fail."""

    name: str
    file: str
    line: str
    instead: str
    tests: tuple[str, ...]


DEFENCES = (
    # --- the API
    Defence(
        "a role may do what its row says", "gateway/guard.py",
        "if not principal.may(tenant, permission):", "if False:",
        (f"{API}::test_a_role_may_do_what_its_row_says_and_no_more[viewer]",),
    ),
    Defence(
        "a tenant that is named is one of the token's", "gateway/guard.py",
        "if wanted not in principal.tenants:", "if False:",
        (f"{API}::test_naming_a_tenant_in_the_header_gives_nothing_that_the_token_does_not",),
    ),
    Defence(
        "a group is an exact path", "callfunnel/auth/principal.py",
        'case ["", "tenants", tenant, role] if', 'case [_, "tenants", tenant, role, *_] if',
        (f"{UNIT}/callfunnel/auth/test_principal.py",),
    ),
    Defence(
        "a call hears its own tenant's hang-up", "workers/media/calls.py",
        "answer, tenant=spec.tenant, key=spec.call", "answer, key=spec.call",
        (f"{API}::test_nobody_hangs_up_the_call_of_another_tenant",),
    ),
    Defence(
        "a rule book's file is one tenant's", "callfunnel/infra/settings.py",
        "self.rulebook_dir is not None and tenant == self.rulebook_tenant",
        "self.rulebook_dir is not None",
        (f"{API}::test_a_rule_book_of_b_never_becomes_that_of_a",),
    ),
    Defence(
        "a pin is shown to its own tenant", "gateway/admission.py",
        "if pin.tenant == offer.tenant:", "if True:",
        (f"{UNIT}/gateway/test_admission.py",),
    ),
    Defence(
        "an event id is one of this call", "gateway/ordering.py",
        "if call != self._call or not _TAGS", "if not _TAGS",
        (f"{UNIT}/gateway/test_ordering.py",),
    ),
    # --- what is remembered
    Defence(
        "a rule book is remembered for its tenant", "workers/conductor/rulebooks/store.py",
        "key = (tenant, agent, version)",
        "key = next((k for k in self._kept if k[1:] == (agent, version)), "
        "(tenant, agent, version))",
        (f"{UNIT}/workers/conductor/rulebooks/test_library.py",),
    ),
    Defence(
        "an account is remembered for its tenant", "gateway/accounts.py",
        "return await self._by_tenant.get(tenant)",
        "return await self._by_tenant.get(next(iter(self._by_tenant._kept), tenant))",
        (f"{UNIT}/gateway/test_webhooks.py",),
    ),
    Defence(
        "an agent that is shown is the tenant's", "gateway/registry.py",
        "sorted(agent for owner, _, agent in mine if owner == tenant)",
        "sorted(agent for owner, _, agent in mine if owner.startswith(tenant))",
        (f"{UNIT}/gateway/test_registry.py",),
    ),
    Defence(
        "a slot that is held is the tenant's", "gateway/registry.py",
        "return self._held.get(tenant, ())",
        "return {n for owner in self._held if owner.startswith(tenant) for n in self._held[owner]}",
        (f"{UNIT}/gateway/test_registry.py",),
    ),
    Defence(
        "what was said before is known of its own call", "workers/persistence/redaction/rules.py",
        "context = self._calls.get((tenant, call), _NOTHING_SAID)",
        "context = next((c for k, c in self._calls.items() if k[1] == call), _NOTHING_SAID)",
        (f"{UNIT}/workers/persistence/redaction/test_rules.py",),
    ),
    # --- tokens
    Defence(
        "a token is for this API", VERIFY, "audience=audience,", 'audience=["account", audience],',
        (f"{UNIT}/callfunnel/auth/test_tokens.py",),
    ),
    Defence(
        "a token is our issuer's", VERIFY, "issuer=issuer,", "",
        (f"{UNIT}/callfunnel/auth/test_tokens.py",),
    ),
    Defence(
        "a token is an access token", VERIFY, 'if claims.get("typ") != "Bearer":', "if False:",
        (f"{UNIT}/callfunnel/auth/test_tokens.py",),
    ),
    Defence(
        "a token ends", VERIFY, '_REQUIRED = ["exp", ', "_REQUIRED = [",
        (f"{UNIT}/callfunnel/auth/test_tokens.py",),
    ),
    Defence(
        "a token is no longer than one is", VERIFY, "if len(token) > _LONGEST:", "if False:",
        (f"{TOKENS}::test_a_forged_token_opens_nothing[huge]",),
    ),
    Defence(
        "made-up key names ask the issuer seldom", "callfunnel/auth/keys.py",
        "if now < self._not_before or", "if",
        (f"{UNIT}/callfunnel/auth/test_keys.py",),
    ),
    Defence(
        "an address with bad tokens waits", "gateway/guard.py", '"bad-tokens", quota=30,',
        '"bad-tokens", quota=30_000,',
        (f"{TOKENS}::test_a_flood_of_made_up_tokens_is_slowed_and_good_ones_go_on",),
    ),
    # --- carriers and media
    Defence(
        "a webhook is signed", "gateway/webhooks.py",
        "if not self._is_signed(account, received, form):", "if False:",
        (f"{UNIT}/gateway/test_webhooks.py",),
    ),
    Defence(
        "a flood of unsigned webhooks asks the database little", "gateway/webhooks.py",
        'if not self._strangers.take("", self._now()).allowed:', "if False:",
        (f"{UNIT}/gateway/test_webhooks.py",),
    ),
    Defence(
        "a webhook names the account of its number", "gateway/webhooks.py",
        "or not sid or account.sid != sid:", ":",
        (
            f"{UNIT}/gateway/test_webhooks.py",
            f"{WEBHOOKS}::test_nobody_asks_after_the_call_of_another_tenant",
        ),
    ),
    Defence(
        "a signature covers the query", "gateway/routes/twilio.py",
        'target=request.url.path + (f"?{query}" if query else ""),', "target=request.url.path,",
        (f"{WEBHOOKS}::test_a_request_sent_elsewhere_than_it_was_signed_for_is_refused",),
    ),
    Defence(
        "a signature covers every value of a field", "callfunnel/carrier/signature.py",
        "for value in sorted(set((fields or {})[name])):",
        "for value in (fields or {})[name][:1]:",
        (f"{WEBHOOKS}::test_a_form_that_was_altered_is_refused",),
    ),
    Defence(
        "a media token opens once", "workers/media/slots.py",
        "        self.release(found.spec.call)\n        self._live", "        self._live",
        (f"{TOKENS}::test_a_media_token_opens_one_socket_once",),
    ),
    Defence(
        "a carrier's socket is signed", "workers/media/server.py",
        "if found is None or not self._signed(found, path, headers):", "if found is None:",
        ("tests/integration/media/test_worker.py::"
         "test_a_used_token_and_a_wrong_signature_are_refused",
         f"{WEBHOOKS}::test_a_media_token_of_a_opens_nothing_for_who_is_not_as_carrier"),
    ),
    Defence(
        "a stream names the call that was reserved", "workers/media/channels/twilio.py",
        "if start.call_sid != self._call or (", "if (False and ",
        ("tests/integration/media/test_relay.py::"
         "test_a_hostile_carrier_ends_its_own_call_and_no_other",),
    ),
    # --- rows and objects
    Defence(
        "a row is its tenant's", ISOLATE,
        "' using (tenant = current_setting(''callfunnel.tenant'', true))'", "' using (true)'",
        (f"{ISOLATION}::test_a_tenant_sees_its_own_rows_alone", f"{ROWS}"),
    ),
    Defence(
        "a row is written for its tenant", ISOLATE,
        "' with check (tenant = current_setting(''callfunnel.tenant'', true))'",
        "' with check (true)'", (f"{ISOLATION}::test_b_is_refused",),
    ),
    Defence(
        "the tables' owner is bound", ISOLATE, "alter table %s force row level security",
        "alter table %s no force row level security",
        (f"{ISOLATION}::test_the_tables_owner_is_bound_as_well",),
    ),
    Defence(
        "a view asks as its reader", ISOLATE,
        "create view api.tenants with (security_invoker = true) as", "create view api.tenants as",
        (f"{ROWS}::test_every_view_shows_its_reader_its_own_rows",),
    ),
    Defence(
        "a tenant ends with its transaction", "callfunnel/infra/postgres.py",
        "set_config('callfunnel.tenant', {}, true)", "set_config('callfunnel.tenant', {}, false)",
        (f"{ISOLATION}::test_a_connection_that_served_a_serves_b_nothing_of_a",),
    ),
    Defence(
        "the tenants of a batch end with its transaction", "callfunnel/infra/postgres.py",
        "set_config('callfunnel.tenants', {}, true)", "set_config('callfunnel.tenants', {}, false)",
        (f"{NAMED}_and_no_other",),
    ),
    Defence(
        "the tenants of stored facts end with their transaction", STORE,
        "set_config('callfunnel.tenants', named, true);\n    with stored",
        "set_config('callfunnel.tenants', named, false);\n    with stored",
        (f"{NAMED}_and_no_other",),
    ),
    Defence(
        "the tenants of facts that are read back end with their transaction", STORE,
        "set_config('callfunnel.tenants', named, true);\n    -- The plan",
        "set_config('callfunnel.tenants', named, false);\n    -- The plan",
        (f"{NAMED}_and_no_other",),
    ),
    Defence(
        "an object stays in its tenant's folder", "callfunnel/infra/objects.py",
        'if not name or name.startswith("/") or ".." in name.split("/"):', "if not name:",
        ("tests/integration/local/test_objects.py::test_a_name_stays_under_its_tenant",),
    ),
    Defence(
        "no role lists what objects there are", "callfunnel/local/services/objects.py",
        '"gateway": [f"Read:{BUCKET}"],', '"gateway": [f"Read:{BUCKET}", f"List:{BUCKET}"],',
        (f"{OBJECTS}::test_nobody_lists_what_there_is",),
    ),
    Defence(
        "an object's folder is a tenant's name", "callfunnel/infra/objects.py",
        'return f"{tenant_id(tenant)}/{name}"', 'return f"{tenant}/{name}"',
        (f"{OBJECTS}::test_only_a_tenants_name_is_a_folder",),
    ),
    # --- the bus
    Defence(
        "the server speaks for nobody", RIGHTS, ', "DIRECT.>"', "",
        (f"{BUS}::test_the_server_does_not_say_for_a_role_what_it_may_not_say[media]",),
    ),
    Defence(
        "an inbox is written by who was asked", RIGHTS, "*_answered(role)]", '"_INBOX.>"]',
        (f"{BUS}::test_nobody_answers_in_the_name_of_another[media]",),
    ),
    Defence(
        "an inbox is heard by its owner", RIGHTS, '[f"{inbox_of(role)}.>", *(', '["_INBOX.>", *(',
        (f"{BUS}::test_what_redaction_reads_is_heard_in_no_other_roles_inbox",),
    ),
    Defence(
        "a consumer is its owner's", RIGHTS, "*_unread(role), *_durables_of_others(role)]",
        "*_unread(role)]",
        (f"{BUS}::test_nobody_reads_or_acknowledges_in_the_name_of_another_consumer[gateway]",),
    ),
    Defence(
        "a stream is read by who works on it", RIGHTS, "*_unread(role), *_durables", "*_durables",
        (f"{BUS}::test_nobody_reads_or_acknowledges_in_the_name_of_another_consumer[media]",),
    ),
    Defence(
        "nobody empties a stream", RIGHTS, "*_purges(role), *_unread", "*_unread",
        (f"{BUS}::test_no_role_takes_messages_out_of_a_stream[RAW-media]",),
    ),
    Defence(
        "an operator puts back what a consumer can have had", "callfunnel/infra/dead.py",
        "if not await self._reads(durable, subject):", "if False:",
        (f"{DEAD}::test_a_letter_makes_the_operator_say_nothing_but_what_its_consumer_reads",),
    ),
    # --- the page and the wire
    Defence(
        "what strangers wrote is text", "console/views/dom.js",
        "element.append(...children.filter((child) => child !== null && child !== undefined));",
        "for (const child of children) if (child !== null && child !== undefined) {"
        ' if (typeof child === "string") element.insertAdjacentHTML("beforeend", child);'
        " else element.append(child); }",
        (f"{PAGE}::test_what_strangers_wrote_is_shown_as_text",),
    ),
    Defence(
        "no script but the page's own", SHELL, "script-src 'self'; ",
        "script-src 'self' 'unsafe-inline' data: http:; ",
        (f"{PAGE}::test_code_that_got_in_could_neither_run_nor_report",),
    ),
    Defence(
        "no other page shows it in a frame", SHELL, "; frame-ancestors 'none'", "",
        (f"{PAGE}::test_no_other_page_shows_it_in_a_frame",),
    ),
    Defence(
        "nobody is led where the Host header says", "gateway/app.py", "redirect_slashes=False,", "",
        (f"{WIRE}::test_a_made_up_host_leads_nobody_elsewhere[evil.example]",),
    ),
    Defence(
        "a request that dribbles in is hung up on", "gateway/patience.py",
        "        super().connection_made(transport)\n        self._wait()",
        "        super().connection_made(transport)",
        (f"{UNIT}/gateway/test_patience.py",),
    ),
    Defence(
        "the gateway's patience is that one", "gateway/serving.py", "http=PatientHttp,",
        'http="h11",',
        ("tests/integration/gateway/test_faults.py::"
         "test_who_never_ends_a_request_holds_no_connection",),
    ),
    Defence(
        "a body is bounded", SHELL, "MOST_BODY = 512 * 1024", "MOST_BODY = 512 * 1024 * 1024",
        (f"{WIRE}::test_a_body_without_end_is_cut_off",),
    ),
    Defence(
        "streams that are about to open count", "gateway/streams.py",
        "self._let_in.append((self._now(), tenant))", "pass",
        (f"{UNIT}/gateway/test_streams.py",),
    ),
    Defence(
        "a guess pushes out nothing but guesses", "gateway/remembered.py", "if answer is None:",
        "if False:", (f"{UNIT}/gateway/test_remembered.py",),
    ),
    Defence(
        "the demo session is for this page", "gateway/demo.py", "and own and same_page and site",
        "and own and site", (f"{UNIT}/gateway/test_demo.py",),
    ),
    Defence(
        "the demo session is for who has the printed address",
        "gateway/demo.py",
        "if not hmac.compare_digest((await self._key()).encode(), given):",
        "if False:",
        ("tests/integration/gateway/test_demo_session.py::test_nobody_else_does",),
    ),
    # --- what may lie where
    Defence(
        "facts are redacted", "workers/persistence/redaction/handlers.py",
        "redact_event(Event(item.envelope, item.data), memory)", "Event(item.envelope, item.data)",
        (f"{PLANTED}::test_no_stream_after_redaction_holds_it[CALLS]",),
    ),
    Defence(
        "a tool's arguments are redacted", "workers/conductor/tools/handlers.py",
        "arguments=redact_tree(item.data.arguments)", "arguments=item.data.arguments",
        (f"{PLANTED}::test_no_table_holds_what_was_said",),
    ),
    Defence(
        "what is kept of a tool's result is redacted", "workers/conductor/tools/handlers.py",
        "return {**redact_tree(effect.result), **dialled}",
        "return {**effect.result, **dialled}",
        (f"{PLANTED}::test_no_table_holds_what_was_said",),
    ),
    Defence(
        "streams are encrypted on the disk", "callfunnel/local/services/nats.py",
        'f"  cipher: aes, key: ${KEY_VARIABLE}",', "",
        (f"{PLANTED}::test_no_file_holds_it_nor_any_secret",),
    ),
    Defence(
        "no process dumps core", "callfunnel/local/supervisor.py", "    core_dumps.forbid()\n", "",
        (f"{PLANTED}::test_no_process_leaves_its_memory_behind",),
    ),
    Defence(
        "the model's key is for media workers", "callfunnel/local/services/programs.py",
        'if not n.startswith("OPENAI_")', "",
        (f"{PLANTED}::test_a_process_is_told_no_secret_but_the_models_key_where_it_is_used",),
    ),
    Defence(
        "a log record holds what is allowed", "callfunnel/infra/logs.py", "delattr(record, name)",
        "pass", (f"{UNIT}/callfunnel/infra/test_logs.py",),
    ),
    Defence(
        "a log line holds what is allowed", "callfunnel/infra/logs.py",
        'if name in FIELDS - {"process"}', "if name not in _STANDARD",
        (f"{UNIT}/callfunnel/infra/test_logs.py",),
    ),
)  # fmt: skip
