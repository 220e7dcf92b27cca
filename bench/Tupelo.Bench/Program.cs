// The race track: Tupelo and its peers side by side in one run. See docs/performance.md for what was measured with it.
using Tupelo.Bench;

if (args is ["mount", string image])
{
    return TfsSuite.MountAndMeasure(image);
}
BenchOptions? options = BenchOptions.Parse(args, out string problem);
if (options is null)
{
    Console.Error.WriteLine($"Tupelo.Bench: {problem}\n{BenchOptions.Usage}");
    return 2;
}
if (options.Cpu is { } cpu && !HostClock.PinTo(cpu))
{
    Console.Error.WriteLine($"Tupelo.Bench: cannot stay on CPU {cpu}");
    return 1;
}
return CompareCommand.Run(options);
