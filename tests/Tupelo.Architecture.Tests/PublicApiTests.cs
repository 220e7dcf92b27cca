using System.Reflection;
using System.Text;

namespace Tupelo.Architecture.Tests;

/// <summary>What a package shows to programs changes on purpose: the list in tests/data/api is what was agreed on.</summary>
public sealed class PublicApiTests
{
    // TUPELO_APPROVE_API=1 writes the lists anew.
    [Theory]
    [InlineData("Tupelo")]
    [InlineData("Tupelo.Extensions.FileProviders")]
    [InlineData("Tupelo.Extensions.DependencyInjection")]
    public void PublicApi_IsTheOneAgreedOn(string assembly)
    {
        string actual = Describe(Assembly.Load(assembly));
        string file = Path.Combine(DependencyGraphTests.RepositoryRoot(), "tests", "data", "api", assembly + ".txt");
        if (Environment.GetEnvironmentVariable("TUPELO_APPROVE_API") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, actual);
        }
        string[] agreed = File.ReadAllLines(file);
        string[] now = actual.TrimEnd('\n').Split('\n');
        Assert.True(agreed.SequenceEqual(now), $"{assembly}: no longer there: {string.Join(" | ", agreed.Except(now))}; new: {string.Join(" | ", now.Except(agreed))}");
    }

    private static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (Type type in assembly.GetExportedTypes().OrderBy(static type => type.FullName, StringComparer.Ordinal))
        {
            _ = text.Append(type.FullName).Append(type.BaseType is { } above && above != typeof(object) ? " : " + above.Name : "").Append('\n');
            const BindingFlags own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
            foreach (string member in type.GetMembers(own).Where(IsVisible).Select(Signature).Order(StringComparer.Ordinal))
            {
                _ = text.Append("  ").Append(member).Append('\n');
            }
        }
        return text.ToString();
    }

    private static bool IsVisible(MemberInfo member) => member switch
    {
        MethodBase method => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly,
        FieldInfo field => (field.IsPublic || field.IsFamily) && !field.IsSpecialName,
        PropertyInfo or EventInfo => false, // their accessors are listed
        Type nested => nested.IsNestedPublic,
        _ => false,
    };

    private static string Signature(MemberInfo member) => member switch
    {
        MethodInfo method => $"{(method.IsStatic ? "static " : "")}{NameOf(method.ReturnType)} {method.Name}({Parameters(method)})",
        ConstructorInfo constructor => $"new({Parameters(constructor)})",
        FieldInfo field => $"{(field.IsStatic ? "static " : "")}{NameOf(field.FieldType)} {field.Name}",
        _ => member.Name,
    };

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(static parameter =>
        $"{NameOf(parameter.ParameterType)} {parameter.Name}{(parameter.IsOptional ? " = " + (parameter.RawDefaultValue ?? "null") : "")}"));

    private static string NameOf(Type type) => type.IsGenericType
        ? $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>"
        : type.Name;
}
