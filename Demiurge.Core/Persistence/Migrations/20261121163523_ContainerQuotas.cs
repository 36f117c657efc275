using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Demiurge.Core.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class ContainerQuotas : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "disk_bytes",
                table: "container_quotas",
                type: "bigint",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "container_person_quotas",
                columns: table => new
                {
                    organization_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    containers = table.Column<int>(type: "integer", nullable: true),
                    running = table.Column<int>(type: "integer", nullable: true),
                    cpus = table.Column<double>(type: "double precision", nullable: true),
                    memory_bytes = table.Column<long>(type: "bigint", nullable: true),
                    disk_bytes = table.Column<long>(type: "bigint", nullable: true),
                    snapshot_bytes = table.Column<long>(type: "bigint", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_person_quotas", x => new { x.organization_id, x.user_id });
                    table.ForeignKey(
                        name: "fk_container_person_quotas_member",
                        columns: x => new { x.organization_id, x.user_id },
                        principalTable: "organization_members",
                        principalColumns: new[] { "organization_id", "user_id" },
                        onDelete: ReferentialAction.Cascade);
                });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "container_person_quotas");

            migrationBuilder.DropColumn(
                name: "disk_bytes",
                table: "container_quotas");
        }
    }
}
