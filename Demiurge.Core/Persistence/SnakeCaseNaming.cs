using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.EntityFrameworkCore.Metadata.Conventions;

namespace Demiurge.Core.Persistence;

/// <summary>Names tables, columns, keys and indexes the way SQL is written: <c>JoinedAt</c> becomes <c>joined_at</c>. Explicit names stay.</summary>
internal sealed class SnakeCaseNaming : IModelFinalizingConvention
{
    public void ProcessModelFinalizing(IConventionModelBuilder modelBuilder, IConventionContext<IConventionModelBuilder> context)
    {
        foreach (var entity in modelBuilder.Metadata.GetEntityTypes())
        {
            if (entity.GetTableName() is { } table)
                entity.Builder.ToTable(Convert(table));
            foreach (var property in entity.GetDeclaredProperties())
                property.Builder.HasColumnName(Convert(property.GetColumnName()));
            foreach (var key in entity.GetDeclaredKeys())
                key.Builder.HasName(Convert(key.GetName()!));
            foreach (var key in entity.GetDeclaredForeignKeys())
                key.Builder.HasConstraintName(Convert(key.GetConstraintName()!));
            foreach (var index in entity.GetDeclaredIndexes())
                index.Builder.HasDatabaseName(Convert(index.GetDatabaseName()!));
        }
    }

    internal static string Convert(string name)
    {
        var result = new StringBuilder(name.Length + 8);
        for (var i = 0; i < name.Length; i++)
        {
            var startsWord = char.IsUpper(name[i]) && i > 0 && name[i - 1] != '_'
                && (!char.IsUpper(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1])));
            if (startsWord)
                result.Append('_');
            result.Append(char.ToLowerInvariant(name[i]));
        }
        return result.ToString();
    }
}
