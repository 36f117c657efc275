using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Demiurge.Core.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class ContainerReach : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "container_cookie_secret",
                columns: table => new
                {
                    key = table.Column<int>(type: "integer", nullable: false),
                    protected_value = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_container_cookie_secret", x => x.key);
                });

            migrationBuilder.CreateTable(
                name: "ended_sessions",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    forget_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_ended_sessions", x => x.id);
                });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "container_cookie_secret");

            migrationBuilder.DropTable(
                name: "ended_sessions");
        }
    }
}
