using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Demiurge.Tests.Architecture;

/// <summary>A type that a compiled type mentions: in a signature, a base, an attribute or the body of a method.</summary>
internal sealed record UsedType(string Assembly, string Namespace, string Name)
{
    public override string ToString() => Namespace.Length == 0 ? Name : $"{Namespace}.{Name}";
}

/// <summary>A type of an assembly with all that it mentions. Nested types, closures and state machines count as their outermost type.</summary>
internal sealed record CompiledType(string Namespace, string Name, IReadOnlySet<UsedType> Uses)
{
    public override string ToString() => $"{Namespace}.{Name}";
}

/// <summary>Reads who mentions whom from an assembly's metadata and IL (ECMA-335), without loading it.</summary>
internal static class AssemblyTypes
{
    private static readonly Dictionary<ushort, OpCode> OpCodesByValue = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => unchecked((ushort)code.Value));

    public static IReadOnlyList<CompiledType> Read(Assembly assembly)
    {
        using var file = new PEReader(File.OpenRead(assembly.Location));
        var reader = file.GetMetadataReader();
        var types = new Dictionary<UsedType, HashSet<UsedType>>();
        foreach (var handle in reader.TypeDefinitions)
        {
            var owner = Outermost(reader, handle);
            if (!types.TryGetValue(owner, out var uses))
                types.Add(owner, uses = []);
            new Collector(reader, file, uses).AddType(handle);
        }
        return [.. types.Where(t => t.Key.Namespace.Length > 0).Select(t => new CompiledType(t.Key.Namespace, t.Key.Name, t.Value))];
    }

    private static UsedType Outermost(MetadataReader reader, TypeDefinitionHandle handle)
    {
        var type = reader.GetTypeDefinition(handle);
        while (type.IsNested)
            type = reader.GetTypeDefinition(type.GetDeclaringType());
        // Razor puts what it infers for a component beside it, under a namespace of its own.
        var name = reader.GetString(type.Namespace);
        name = name.StartsWith("__Blazor.", StringComparison.Ordinal) ? name["__Blazor.".Length..] : name;
        return new(reader.GetString(reader.GetAssemblyDefinition().Name), name, reader.GetString(type.Name));
    }

    private sealed class Collector(MetadataReader reader, PEReader file, HashSet<UsedType> uses) : ISignatureTypeProvider<int, object?>
    {
        public void AddType(TypeDefinitionHandle handle)
        {
            var type = reader.GetTypeDefinition(handle);
            Add(type.BaseType);
            foreach (var implementation in type.GetInterfaceImplementations())
                Add(reader.GetInterfaceImplementation(implementation).Interface);
            foreach (var attribute in type.GetCustomAttributes())
                Add(reader.GetCustomAttribute(attribute).Constructor);
            foreach (var field in type.GetFields())
            {
                reader.GetFieldDefinition(field).DecodeSignature(this, null);
                foreach (var attribute in reader.GetFieldDefinition(field).GetCustomAttributes())
                    Add(reader.GetCustomAttribute(attribute).Constructor);
            }
            foreach (var property in type.GetProperties())
            {
                foreach (var attribute in reader.GetPropertyDefinition(property).GetCustomAttributes())
                    Add(reader.GetCustomAttribute(attribute).Constructor);
            }
            foreach (var method in type.GetMethods())
                AddMethod(reader.GetMethodDefinition(method));
        }

        private void AddMethod(MethodDefinition method)
        {
            method.DecodeSignature(this, null);
            foreach (var attribute in method.GetCustomAttributes())
                Add(reader.GetCustomAttribute(attribute).Constructor);
            if (method.RelativeVirtualAddress == 0)
                return;
            var body = file.GetMethodBody(method.RelativeVirtualAddress);
            if (!body.LocalSignature.IsNil)
                reader.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(this, null);
            foreach (var region in body.ExceptionRegions.Where(r => !r.CatchType.IsNil))
                Add(region.CatchType);
            AddInstructions(body.GetILReader());
        }

        private void AddInstructions(BlobReader code)
        {
            while (code.RemainingBytes > 0)
            {
                ushort value = code.ReadByte();
                if (value == 0xFE)
                    value = (ushort)(0xFE00 | code.ReadByte());
                switch (OpCodesByValue[value].OperandType)
                {
                    case OperandType.InlineNone:
                        break;
                    case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                        code.Offset += 1;
                        break;
                    case OperandType.InlineVar:
                        code.Offset += 2;
                        break;
                    case OperandType.InlineI8 or OperandType.InlineR:
                        code.Offset += 8;
                        break;
                    case OperandType.InlineSwitch:
                        var targets = code.ReadInt32();
                        code.Offset += 4 * targets;
                        break;
                    case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                        Add((EntityHandle)MetadataTokens.Handle(code.ReadInt32()));
                        break;
                    default:
                        code.Offset += 4;
                        break;
                }
            }
        }

        private void Add(EntityHandle handle)
        {
            if (handle.IsNil)
                return;
            switch (handle.Kind)
            {
                case HandleKind.TypeReference:
                    GetTypeFromReference(reader, (TypeReferenceHandle)handle, 0);
                    break;
                case HandleKind.TypeDefinition:
                    GetTypeFromDefinition(reader, (TypeDefinitionHandle)handle, 0);
                    break;
                case HandleKind.TypeSpecification:
                    reader.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(this, null);
                    break;
                case HandleKind.MethodDefinition:
                    Add(reader.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
                    break;
                case HandleKind.FieldDefinition:
                    Add(reader.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType());
                    break;
                case HandleKind.MemberReference:
                    var member = reader.GetMemberReference((MemberReferenceHandle)handle);
                    Add(member.Parent);
                    if (member.GetKind() == MemberReferenceKind.Method)
                        member.DecodeMethodSignature(this, null);
                    else
                        member.DecodeFieldSignature(this, null);
                    break;
                case HandleKind.MethodSpecification:
                    var specification = reader.GetMethodSpecification((MethodSpecificationHandle)handle);
                    Add(specification.Method);
                    specification.DecodeSignature(this, null);
                    break;
            }
        }

        public int GetTypeFromDefinition(MetadataReader _, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            uses.Add(Outermost(reader, handle));
            return 0;
        }

        public int GetTypeFromReference(MetadataReader _, TypeReferenceHandle handle, byte rawTypeKind)
        {
            var type = reader.GetTypeReference(handle);
            while (type.ResolutionScope.Kind == HandleKind.TypeReference)
                type = reader.GetTypeReference((TypeReferenceHandle)type.ResolutionScope);
            var assembly = type.ResolutionScope.Kind == HandleKind.AssemblyReference
                ? reader.GetString(reader.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name)
                : "";
            uses.Add(new(assembly, reader.GetString(type.Namespace), reader.GetString(type.Name)));
            return 0;
        }

        public int GetTypeFromSpecification(MetadataReader _, object? context, TypeSpecificationHandle handle, byte rawTypeKind)
            => reader.GetTypeSpecification(handle).DecodeSignature(this, null);

        public int GetArrayType(int elementType, ArrayShape shape) => 0;

        public int GetByReferenceType(int elementType) => 0;

        public int GetFunctionPointerType(MethodSignature<int> signature) => 0;

        public int GetGenericInstantiation(int genericType, ImmutableArray<int> typeArguments) => 0;

        public int GetGenericMethodParameter(object? context, int index) => 0;

        public int GetGenericTypeParameter(object? context, int index) => 0;

        public int GetModifiedType(int modifier, int unmodifiedType, bool isRequired) => 0;

        public int GetPinnedType(int elementType) => 0;

        public int GetPointerType(int elementType) => 0;

        public int GetPrimitiveType(PrimitiveTypeCode typeCode) => 0;

        public int GetSZArrayType(int elementType) => 0;
    }
}
