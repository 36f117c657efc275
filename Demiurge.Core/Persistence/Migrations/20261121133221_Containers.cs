using System;
using System.Collections.Generic;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Demiurge.Core.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class Containers : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "container_hosts",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "character varying(80)", maxLength: 80, nullable: false),
                    endpoint = table.Column<string>(type: "character varying(400)", maxLength: 400, nullable: false),
                    ca_pem = table.Column<string>(type: "text", nullable: true),
                    client_cert_pem = table.Column<string>(type: "text", nullable: true),
                    client_key_protected = table.Column<string>(type: "text", nullable: true),
                    cpus = table.Column<double>(type: "double precision", nullable: false),
                    memory_bytes = table.Column<long>(type: "bigint", nullable: false),
                    disk_bytes = table.Column<long>(type: "bigint", nullable: false),
                    organization_ids = table.Column<List<Guid>>(type: "uuid[]", nullable: false),
                    runtime = table.Column<string>(type: "text", nullable: true),
                    reach = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    published_address = table.Column<string>(type: "text", nullable: true),
                    enabled = table.Column<bool>(type: "boolean", nullable: false),
                    last_seen_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    last_error = table.Column<string>(type: "text", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_hosts", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "container_quotas",
                columns: table => new
                {
                    organization_id = table.Column<Guid>(type: "uuid", nullable: false),
                    containers = table.Column<int>(type: "integer", nullable: true),
                    running = table.Column<int>(type: "integer", nullable: true),
                    cpus = table.Column<double>(type: "double precision", nullable: true),
                    memory_bytes = table.Column<long>(type: "bigint", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_quotas", x => x.organization_id);
                    table.ForeignKey(
                        name: "fk_container_quotas_organizations_organization_id",
                        column: x => x.organization_id,
                        principalTable: "organizations",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "container_repositories",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    organization_id = table.Column<Guid>(type: "uuid", nullable: false),
                    project_id = table.Column<Guid>(type: "uuid", nullable: false),
                    url = table.Column<string>(type: "character varying(1000)", maxLength: 1000, nullable: false),
                    branch = table.Column<string>(type: "character varying(255)", maxLength: 255, nullable: true),
                    deploy_key_public = table.Column<string>(type: "text", nullable: true),
                    deploy_key_protected = table.Column<string>(type: "text", nullable: true),
                    last_commit = table.Column<string>(type: "text", nullable: true),
                    last_error = table.Column<string>(type: "text", nullable: true),
                    created_by = table.Column<Guid>(type: "uuid", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_repositories", x => x.id);
                    table.ForeignKey(
                        name: "fk_container_repositories_projects_project_id",
                        column: x => x.project_id,
                        principalTable: "projects",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "container_snapshots",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    container_id = table.Column<Guid>(type: "uuid", nullable: false),
                    organization_id = table.Column<Guid>(type: "uuid", nullable: false),
                    project_id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "character varying(80)", maxLength: 80, nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    created_by = table.Column<Guid>(type: "uuid", nullable: true),
                    bytes = table.Column<long>(type: "bigint", nullable: false),
                    sha256 = table.Column<string>(type: "text", nullable: true),
                    location = table.Column<string>(type: "text", nullable: true),
                    state = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    reason = table.Column<string>(type: "text", nullable: true),
                    automatic = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_snapshots", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "container_templates",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    organization_id = table.Column<Guid>(type: "uuid", nullable: true),
                    slug = table.Column<string>(type: "character varying(40)", maxLength: 40, nullable: false),
                    name = table.Column<string>(type: "character varying(80)", maxLength: 80, nullable: false),
                    description = table.Column<string>(type: "character varying(2000)", maxLength: 2000, nullable: false),
                    icon = table.Column<string>(type: "character varying(40)", maxLength: 40, nullable: false),
                    enabled = table.Column<bool>(type: "boolean", nullable: false),
                    latest_version = table.Column<int>(type: "integer", nullable: false),
                    shipped_version = table.Column<int>(type: "integer", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_templates", x => x.id);
                    table.ForeignKey(
                        name: "fk_container_templates_organizations_organization_id",
                        column: x => x.organization_id,
                        principalTable: "organizations",
                        principalColumn: "id");
                });

            migrationBuilder.CreateTable(
                name: "container_tiers",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "character varying(40)", maxLength: 40, nullable: false),
                    cpus = table.Column<double>(type: "double precision", nullable: false),
                    memory_bytes = table.Column<long>(type: "bigint", nullable: false),
                    disk_bytes = table.Column<long>(type: "bigint", nullable: false),
                    pids = table.Column<int>(type: "integer", nullable: false),
                    price_per_hour = table.Column<decimal>(type: "numeric(12,4)", precision: 12, scale: 4, nullable: false),
                    enabled = table.Column<bool>(type: "boolean", nullable: false),
                    order = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_tiers", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "container_usage",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    organization_id = table.Column<Guid>(type: "uuid", nullable: false),
                    project_id = table.Column<Guid>(type: "uuid", nullable: false),
                    container_id = table.Column<Guid>(type: "uuid", nullable: false),
                    container_name = table.Column<string>(type: "character varying(80)", maxLength: 80, nullable: false),
                    owner_id = table.Column<Guid>(type: "uuid", nullable: false),
                    tier = table.Column<string>(type: "character varying(40)", maxLength: 40, nullable: false),
                    price_per_hour = table.Column<decimal>(type: "numeric(12,4)", precision: 12, scale: 4, nullable: false),
                    from = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    to = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_usage", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "env_sets",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    scope = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    scope_id = table.Column<Guid>(type: "uuid", nullable: false),
                    organization_id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "character varying(80)", maxLength: 80, nullable: false),
                    variables = table.Column<string>(type: "jsonb", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_env_sets", x => x.id);
                    table.ForeignKey(
                        name: "fk_env_sets_organizations_organization_id",
                        column: x => x.organization_id,
                        principalTable: "organizations",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "installation",
                columns: table => new
                {
                    key = table.Column<int>(type: "integer", nullable: false),
                    value = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_installation", x => x.key);
                });

            migrationBuilder.CreateTable(
                name: "container_template_versions",
                columns: table => new
                {
                    template_id = table.Column<Guid>(type: "uuid", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false),
                    spec = table.Column<string>(type: "jsonb", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_template_versions", x => new { x.template_id, x.version });
                    table.ForeignKey(
                        name: "fk_container_template_versions_container_templates_template_id",
                        column: x => x.template_id,
                        principalTable: "container_templates",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "containers",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    organization_id = table.Column<Guid>(type: "uuid", nullable: false),
                    project_id = table.Column<Guid>(type: "uuid", nullable: false),
                    owner_id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "character varying(80)", maxLength: 80, nullable: false),
                    template_id = table.Column<Guid>(type: "uuid", nullable: false),
                    template_version = table.Column<int>(type: "integer", nullable: false),
                    tier_id = table.Column<Guid>(type: "uuid", nullable: false),
                    options = table.Column<string>(type: "jsonb", nullable: false),
                    protected_options = table.Column<string>(type: "jsonb", nullable: false),
                    env_set_ids = table.Column<List<Guid>>(type: "uuid[]", nullable: false),
                    place = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    host_id = table.Column<Guid>(type: "uuid", nullable: true),
                    engine_id = table.Column<string>(type: "text", nullable: true),
                    image_id = table.Column<string>(type: "text", nullable: true),
                    desired = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    generation = table.Column<int>(type: "integer", nullable: false),
                    state = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    reason = table.Column<string>(type: "text", nullable: true),
                    progress = table.Column<double>(type: "double precision", nullable: true),
                    exit_code = table.Column<int>(type: "integer", nullable: true),
                    state_changed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    attempts = table.Column<int>(type: "integer", nullable: false),
                    next_attempt_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    queued_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    started_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    last_activity_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    pinned = table.Column<bool>(type: "boolean", nullable: false),
                    keep_until = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    idle_minutes = table.Column<int>(type: "integer", nullable: true),
                    share = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    endpoints = table.Column<string>(type: "jsonb", nullable: false),
                    repository_id = table.Column<Guid>(type: "uuid", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    deleted_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    xmin = table.Column<uint>(type: "xid", rowVersion: true, nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_containers", x => x.id);
                    table.ForeignKey(
                        name: "fk_containers_container_hosts_host_id",
                        column: x => x.host_id,
                        principalTable: "container_hosts",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_containers_container_tiers_tier_id",
                        column: x => x.tier_id,
                        principalTable: "container_tiers",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_containers_organizations_organization_id",
                        column: x => x.organization_id,
                        principalTable: "organizations",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "fk_containers_projects_project_id",
                        column: x => x.project_id,
                        principalTable: "projects",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "fk_containers_template_version",
                        columns: x => new { x.template_id, x.template_version },
                        principalTable: "container_template_versions",
                        principalColumns: new[] { "template_id", "version" },
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_containers_users_owner_id",
                        column: x => x.owner_id,
                        principalTable: "users",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "container_events",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    container_id = table.Column<Guid>(type: "uuid", nullable: false),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    kind = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false),
                    text = table.Column<string>(type: "text", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_events", x => x.id);
                    table.ForeignKey(
                        name: "fk_container_events_containers_container_id",
                        column: x => x.container_id,
                        principalTable: "containers",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "container_log_tails",
                columns: table => new
                {
                    container_id = table.Column<Guid>(type: "uuid", nullable: false),
                    generation = table.Column<int>(type: "integer", nullable: false),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    text = table.Column<string>(type: "text", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_log_tails", x => x.container_id);
                    table.ForeignKey(
                        name: "fk_container_log_tails_containers_container_id",
                        column: x => x.container_id,
                        principalTable: "containers",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "container_share_links",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    container_id = table.Column<Guid>(type: "uuid", nullable: false),
                    token_hash = table.Column<byte[]>(type: "bytea", nullable: false),
                    created_by = table.Column<Guid>(type: "uuid", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    revoked_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_share_links", x => x.id);
                    table.ForeignKey(
                        name: "fk_container_share_links_containers_container_id",
                        column: x => x.container_id,
                        principalTable: "containers",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "container_snapshot_schedules",
                columns: table => new
                {
                    container_id = table.Column<Guid>(type: "uuid", nullable: false),
                    every_hours = table.Column<int>(type: "integer", nullable: false),
                    keep = table.Column<int>(type: "integer", nullable: false),
                    enabled = table.Column<bool>(type: "boolean", nullable: false),
                    next_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_snapshot_schedules", x => x.container_id);
                    table.ForeignKey(
                        name: "fk_container_snapshot_schedules_containers_container_id",
                        column: x => x.container_id,
                        principalTable: "containers",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "container_tokens",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    container_id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "character varying(80)", maxLength: 80, nullable: false),
                    token_hash = table.Column<byte[]>(type: "bytea", nullable: false),
                    created_by = table.Column<Guid>(type: "uuid", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    revoked_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    last_used_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_tokens", x => x.id);
                    table.ForeignKey(
                        name: "fk_container_tokens_containers_container_id",
                        column: x => x.container_id,
                        principalTable: "containers",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "remote_machines",
                columns: table => new
                {
                    container_id = table.Column<Guid>(type: "uuid", nullable: false),
                    organization_id = table.Column<Guid>(type: "uuid", nullable: false),
                    join_token_hash = table.Column<byte[]>(type: "bytea", nullable: true),
                    join_token_expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    certificate_serial = table.Column<string>(type: "text", nullable: true),
                    certificate_expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    certificate_revoked_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    report_token_hash = table.Column<byte[]>(type: "bytea", nullable: true),
                    address = table.Column<string>(type: "text", nullable: true),
                    joined_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    last_seen_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_remote_machines", x => x.container_id);
                    table.ForeignKey(
                        name: "fk_remote_machines_containers_container_id",
                        column: x => x.container_id,
                        principalTable: "containers",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_container_events_container_id_id",
                table: "container_events",
                columns: new[] { "container_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_container_hosts_name",
                table: "container_hosts",
                column: "name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_container_repositories_project_id",
                table: "container_repositories",
                column: "project_id");

            migrationBuilder.CreateIndex(
                name: "ix_container_share_links_container_id",
                table: "container_share_links",
                column: "container_id");

            migrationBuilder.CreateIndex(
                name: "ix_container_share_links_token_hash",
                table: "container_share_links",
                column: "token_hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_container_snapshot_schedules_next_at",
                table: "container_snapshot_schedules",
                column: "next_at");

            migrationBuilder.CreateIndex(
                name: "ix_container_snapshots_container_id_created_at",
                table: "container_snapshots",
                columns: new[] { "container_id", "created_at" });

            migrationBuilder.CreateIndex(
                name: "ix_container_snapshots_organization_id",
                table: "container_snapshots",
                column: "organization_id");

            migrationBuilder.CreateIndex(
                name: "ix_container_templates_organization_id_slug",
                table: "container_templates",
                columns: new[] { "organization_id", "slug" },
                unique: true)
                .Annotation("Npgsql:NullsDistinct", false);

            migrationBuilder.CreateIndex(
                name: "ix_container_tiers_name",
                table: "container_tiers",
                column: "name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_container_tokens_container_id",
                table: "container_tokens",
                column: "container_id");

            migrationBuilder.CreateIndex(
                name: "ix_container_tokens_token_hash",
                table: "container_tokens",
                column: "token_hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_container_usage_container_id",
                table: "container_usage",
                column: "container_id",
                unique: true,
                filter: "\"to\" IS NULL");

            migrationBuilder.CreateIndex(
                name: "ix_container_usage_organization_id_from",
                table: "container_usage",
                columns: new[] { "organization_id", "from" });

            migrationBuilder.CreateIndex(
                name: "ix_containers_host_id",
                table: "containers",
                column: "host_id");

            migrationBuilder.CreateIndex(
                name: "ix_containers_organization_id_state",
                table: "containers",
                columns: new[] { "organization_id", "state" });

            migrationBuilder.CreateIndex(
                name: "ix_containers_owner_id",
                table: "containers",
                column: "owner_id");

            migrationBuilder.CreateIndex(
                name: "ix_containers_project_id_created_at",
                table: "containers",
                columns: new[] { "project_id", "created_at" });

            migrationBuilder.CreateIndex(
                name: "ix_containers_queued_at",
                table: "containers",
                column: "queued_at",
                filter: "queued_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_containers_template_id_template_version",
                table: "containers",
                columns: new[] { "template_id", "template_version" });

            migrationBuilder.CreateIndex(
                name: "ix_containers_tier_id",
                table: "containers",
                column: "tier_id");

            migrationBuilder.CreateIndex(
                name: "ix_env_sets_organization_id_scope_scope_id_name",
                table: "env_sets",
                columns: new[] { "organization_id", "scope", "scope_id", "name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_remote_machines_certificate_serial",
                table: "remote_machines",
                column: "certificate_serial",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_remote_machines_join_token_hash",
                table: "remote_machines",
                column: "join_token_hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_remote_machines_report_token_hash",
                table: "remote_machines",
                column: "report_token_hash",
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "container_events");

            migrationBuilder.DropTable(
                name: "container_log_tails");

            migrationBuilder.DropTable(
                name: "container_quotas");

            migrationBuilder.DropTable(
                name: "container_repositories");

            migrationBuilder.DropTable(
                name: "container_share_links");

            migrationBuilder.DropTable(
                name: "container_snapshot_schedules");

            migrationBuilder.DropTable(
                name: "container_snapshots");

            migrationBuilder.DropTable(
                name: "container_tokens");

            migrationBuilder.DropTable(
                name: "container_usage");

            migrationBuilder.DropTable(
                name: "env_sets");

            migrationBuilder.DropTable(
                name: "installation");

            migrationBuilder.DropTable(
                name: "remote_machines");

            migrationBuilder.DropTable(
                name: "containers");

            migrationBuilder.DropTable(
                name: "container_hosts");

            migrationBuilder.DropTable(
                name: "container_tiers");

            migrationBuilder.DropTable(
                name: "container_template_versions");

            migrationBuilder.DropTable(
                name: "container_templates");
        }
    }
}
