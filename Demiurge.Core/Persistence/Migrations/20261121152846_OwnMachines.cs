using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Demiurge.Core.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class OwnMachines : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "address",
                table: "remote_machines");

            migrationBuilder.AddColumn<Guid>(
                name: "invited_by",
                table: "remote_machines",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "joined_by",
                table: "remote_machines",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "number",
                table: "remote_machines",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "services",
                table: "remote_machines",
                type: "jsonb",
                nullable: false,
                defaultValue: "[]");

            migrationBuilder.CreateTable(
                name: "remote_networks",
                columns: table => new
                {
                    organization_id = table.Column<Guid>(type: "uuid", nullable: false),
                    authority_pem = table.Column<string>(type: "text", nullable: false),
                    authority_key_protected = table.Column<string>(type: "text", nullable: false),
                    channel_key_protected = table.Column<string>(type: "text", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    epoch = table.Column<long>(type: "bigint", nullable: true),
                    port = table.Column<int>(type: "integer", nullable: true),
                    network = table.Column<string>(type: "character varying(15)", maxLength: 15, nullable: true),
                    problem = table.Column<string>(type: "character varying(1000)", maxLength: 1000, nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_remote_networks", x => x.organization_id);
                    table.ForeignKey(
                        name: "fk_remote_networks_organizations_organization_id",
                        column: x => x.organization_id,
                        principalTable: "organizations",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_remote_machines_organization_id_number",
                table: "remote_machines",
                columns: new[] { "organization_id", "number" },
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "remote_networks");

            migrationBuilder.DropIndex(
                name: "ix_remote_machines_organization_id_number",
                table: "remote_machines");

            migrationBuilder.DropColumn(
                name: "invited_by",
                table: "remote_machines");

            migrationBuilder.DropColumn(
                name: "joined_by",
                table: "remote_machines");

            migrationBuilder.DropColumn(
                name: "number",
                table: "remote_machines");

            migrationBuilder.DropColumn(
                name: "services",
                table: "remote_machines");

            migrationBuilder.AddColumn<string>(
                name: "address",
                table: "remote_machines",
                type: "text",
                nullable: true);
        }
    }
}
