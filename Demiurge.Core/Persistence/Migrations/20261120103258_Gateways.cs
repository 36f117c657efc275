using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Demiurge.Core.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class Gateways : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "gateways",
                columns: table => new
                {
                    name = table.Column<string>(type: "text", nullable: false),
                    ordinal = table.Column<int>(type: "integer", nullable: false),
                    state = table.Column<string>(type: "text", nullable: false),
                    instance_id = table.Column<Guid>(type: "uuid", nullable: false),
                    port = table.Column<int>(type: "integer", nullable: false),
                    pool_token = table.Column<string>(type: "text", nullable: false),
                    host_reference = table.Column<string>(type: "text", nullable: true),
                    state_changed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    last_heartbeat_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_gateways", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "room_snapshots",
                columns: table => new
                {
                    project_id = table.Column<Guid>(type: "uuid", nullable: false),
                    seq = table.Column<long>(type: "bigint", nullable: false),
                    epoch = table.Column<long>(type: "bigint", nullable: false),
                    bytes = table.Column<byte[]>(type: "bytea", nullable: false),
                    checksum = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_room_snapshots", x => new { x.project_id, x.seq });
                    table.ForeignKey(
                        name: "fk_room_snapshots_projects_project_id",
                        column: x => x.project_id,
                        principalTable: "projects",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "room_updates",
                columns: table => new
                {
                    project_id = table.Column<Guid>(type: "uuid", nullable: false),
                    seq = table.Column<long>(type: "bigint", nullable: false),
                    epoch = table.Column<long>(type: "bigint", nullable: false),
                    bytes = table.Column<byte[]>(type: "bytea", nullable: false),
                    checksum = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_room_updates", x => new { x.project_id, x.seq });
                    table.ForeignKey(
                        name: "fk_room_updates_projects_project_id",
                        column: x => x.project_id,
                        principalTable: "projects",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "gateway_allocations",
                columns: table => new
                {
                    organization_id = table.Column<Guid>(type: "uuid", nullable: false),
                    epoch = table.Column<long>(type: "bigint", nullable: false),
                    state = table.Column<string>(type: "text", nullable: false),
                    gateway_name = table.Column<string>(type: "text", nullable: true),
                    handshake_token_hash = table.Column<byte[]>(type: "bytea", nullable: true),
                    gateway_token_hash = table.Column<byte[]>(type: "bytea", nullable: true),
                    last_batch = table.Column<long>(type: "bigint", nullable: false),
                    allocated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_gateway_allocations", x => x.organization_id);
                    table.ForeignKey(
                        name: "fk_gateway_allocations_gateways_gateway_name",
                        column: x => x.gateway_name,
                        principalTable: "gateways",
                        principalColumn: "name",
                        onDelete: ReferentialAction.SetNull);
                    table.ForeignKey(
                        name: "fk_gateway_allocations_organizations_organization_id",
                        column: x => x.organization_id,
                        principalTable: "organizations",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_gateway_allocations_gateway_name",
                table: "gateway_allocations",
                column: "gateway_name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_gateway_allocations_gateway_token_hash",
                table: "gateway_allocations",
                column: "gateway_token_hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_gateways_ordinal",
                table: "gateways",
                column: "ordinal",
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "gateway_allocations");

            migrationBuilder.DropTable(
                name: "room_snapshots");

            migrationBuilder.DropTable(
                name: "room_updates");

            migrationBuilder.DropTable(
                name: "gateways");
        }
    }
}
