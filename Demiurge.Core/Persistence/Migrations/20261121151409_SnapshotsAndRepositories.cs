using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Demiurge.Core.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class SnapshotsAndRepositories : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "every_hours",
                table: "container_snapshot_schedules");

            migrationBuilder.AddColumn<string>(
                name: "extra_services",
                table: "containers",
                type: "jsonb",
                nullable: false,
                defaultValue: "[]");

            migrationBuilder.AddColumn<int>(
                name: "volume_set",
                table: "containers",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<int>(
                name: "attempts",
                table: "container_snapshots",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "container_name",
                table: "container_snapshots",
                type: "character varying(80)",
                maxLength: 80,
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "content_digest",
                table: "container_snapshots",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "entries",
                table: "container_snapshots",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "finished_at",
                table: "container_snapshots",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "format",
                table: "container_snapshots",
                type: "character varying(20)",
                maxLength: 20,
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "next_attempt_at",
                table: "container_snapshots",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "step",
                table: "container_snapshots",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "template_id",
                table: "container_snapshots",
                type: "uuid",
                nullable: false,
                defaultValue: new Guid("00000000-0000-0000-0000-000000000000"));

            migrationBuilder.AddColumn<int>(
                name: "template_version",
                table: "container_snapshots",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<Guid>(
                name: "tier_id",
                table: "container_snapshots",
                type: "uuid",
                nullable: false,
                defaultValue: new Guid("00000000-0000-0000-0000-000000000000"));

            migrationBuilder.AddColumn<long>(
                name: "unpacked_bytes",
                table: "container_snapshots",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<string>(
                name: "volumes",
                table: "container_snapshots",
                type: "jsonb",
                nullable: false,
                defaultValue: "[]");

            migrationBuilder.AddColumn<string>(
                name: "cron",
                table: "container_snapshot_schedules",
                type: "character varying(100)",
                maxLength: 100,
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "file",
                table: "container_repositories",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "host_keys",
                table: "container_repositories",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "snapshot_bytes",
                table: "container_quotas",
                type: "bigint",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "container_repository_runs",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    container_id = table.Column<Guid>(type: "uuid", nullable: false),
                    repository_id = table.Column<Guid>(type: "uuid", nullable: false),
                    requested_by = table.Column<Guid>(type: "uuid", nullable: true),
                    only_processes = table.Column<bool>(type: "boolean", nullable: false),
                    state = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    reason = table.Column<string>(type: "text", nullable: true),
                    commit = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true),
                    steps = table.Column<string>(type: "jsonb", nullable: false),
                    container_started_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    finished_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_repository_runs", x => x.id);
                    table.ForeignKey(
                        name: "fk_container_repository_runs_repository",
                        column: x => x.repository_id,
                        principalTable: "container_repositories",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "fk_container_repository_runs_containers_container_id",
                        column: x => x.container_id,
                        principalTable: "containers",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "container_restores",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    snapshot_id = table.Column<Guid>(type: "uuid", nullable: false),
                    container_id = table.Column<Guid>(type: "uuid", nullable: false),
                    requested_by = table.Column<Guid>(type: "uuid", nullable: false),
                    state = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    reason = table.Column<string>(type: "text", nullable: true),
                    progress = table.Column<double>(type: "double precision", nullable: true),
                    volume_set = table.Column<int>(type: "integer", nullable: false),
                    starts_after = table.Column<bool>(type: "boolean", nullable: false),
                    attempts = table.Column<int>(type: "integer", nullable: false),
                    next_attempt_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    finished_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_restores", x => x.id);
                    table.ForeignKey(
                        name: "fk_container_restores_containers_container_id",
                        column: x => x.container_id,
                        principalTable: "containers",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_container_snapshots_creating",
                table: "container_snapshots",
                column: "container_id",
                unique: true,
                filter: "state = 'Creating'");

            migrationBuilder.CreateIndex(
                name: "ix_container_repository_runs_repository_id",
                table: "container_repository_runs",
                column: "repository_id");

            migrationBuilder.CreateIndex(
                name: "ix_container_repository_runs_under_way",
                table: "container_repository_runs",
                column: "container_id",
                unique: true,
                filter: "finished_at IS NULL");

            migrationBuilder.CreateIndex(
                name: "ix_container_restores_under_way",
                table: "container_restores",
                column: "container_id",
                unique: true,
                filter: "finished_at IS NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "container_repository_runs");

            migrationBuilder.DropTable(
                name: "container_restores");

            migrationBuilder.DropIndex(
                name: "ix_container_snapshots_creating",
                table: "container_snapshots");

            migrationBuilder.DropColumn(
                name: "extra_services",
                table: "containers");

            migrationBuilder.DropColumn(
                name: "volume_set",
                table: "containers");

            migrationBuilder.DropColumn(
                name: "attempts",
                table: "container_snapshots");

            migrationBuilder.DropColumn(
                name: "container_name",
                table: "container_snapshots");

            migrationBuilder.DropColumn(
                name: "content_digest",
                table: "container_snapshots");

            migrationBuilder.DropColumn(
                name: "entries",
                table: "container_snapshots");

            migrationBuilder.DropColumn(
                name: "finished_at",
                table: "container_snapshots");

            migrationBuilder.DropColumn(
                name: "format",
                table: "container_snapshots");

            migrationBuilder.DropColumn(
                name: "next_attempt_at",
                table: "container_snapshots");

            migrationBuilder.DropColumn(
                name: "step",
                table: "container_snapshots");

            migrationBuilder.DropColumn(
                name: "template_id",
                table: "container_snapshots");

            migrationBuilder.DropColumn(
                name: "template_version",
                table: "container_snapshots");

            migrationBuilder.DropColumn(
                name: "tier_id",
                table: "container_snapshots");

            migrationBuilder.DropColumn(
                name: "unpacked_bytes",
                table: "container_snapshots");

            migrationBuilder.DropColumn(
                name: "volumes",
                table: "container_snapshots");

            migrationBuilder.DropColumn(
                name: "cron",
                table: "container_snapshot_schedules");

            migrationBuilder.DropColumn(
                name: "file",
                table: "container_repositories");

            migrationBuilder.DropColumn(
                name: "host_keys",
                table: "container_repositories");

            migrationBuilder.DropColumn(
                name: "snapshot_bytes",
                table: "container_quotas");

            migrationBuilder.AddColumn<int>(
                name: "every_hours",
                table: "container_snapshot_schedules",
                type: "integer",
                nullable: false,
                defaultValue: 0);
        }
    }
}
