// No file system is under test by halves: each mount of this assembly runs every suite that applies to it.
using System.Reflection;

namespace Tupelo.Conformance;

public sealed class CoverageTests
{
    private static readonly Type[] Types = Assembly.GetExecutingAssembly().GetTypes();

    [Fact]
    public void EveryMount_RunsEverySuiteThatApplies()
    {
        Type[] suites = [.. Types.Where(type => type is { IsAbstract: true, IsGenericTypeDefinition: true } && IsSuite(type.BaseType))];
        Assert.True(suites.Length >= 20);
        Type[] mounts = [.. Types.Where(type => !type.IsAbstract && !type.IsNested && type.IsSubclassOf(typeof(TestMount)))];
        Assert.True(mounts.Length >= 8);
        foreach (Type mount in mounts)
        {
            bool isWritable = (((TestMount)Activator.CreateInstance(mount)!).Features & Features.Writable) != 0;
            Type[] wanted = isWritable
                ? [.. suites.Where(suite => suite != typeof(ReadOnlySuite<>)), typeof(OracleTests<>)]
                : [typeof(ReadOnlySuite<>)];
            foreach (Type suite in wanted)
            {
                Type closed = suite.MakeGenericType(mount);
                Assert.True(Types.Any(type => !type.IsAbstract && type.IsSubclassOf(closed)), $"{mount.Name} does not run {suite.Name}");
            }
        }
    }

    private static bool IsSuite(Type? type) => type is { IsGenericType: true } && type.GetGenericTypeDefinition() == typeof(ConformanceSuite<>);
}
