using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Demiurge.Core.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class HostEngines : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "engine_id",
                table: "container_hosts",
                type: "character varying(200)",
                maxLength: 200,
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_container_hosts_engine_id",
                table: "container_hosts",
                column: "engine_id",
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_container_hosts_engine_id",
                table: "container_hosts");

            migrationBuilder.DropColumn(
                name: "engine_id",
                table: "container_hosts");
        }
    }
}
