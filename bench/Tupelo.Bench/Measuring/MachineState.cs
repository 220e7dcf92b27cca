using System.Globalization;
using System.Runtime.InteropServices;

namespace Tupelo.Bench;

/// <summary>What a figure depends on besides the code.</summary>
internal static class MachineState
{
    /// <summary>Processes that wanted to run, over the last minute.</summary>
    public static double LoadAverage =>
        double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);

    public static string Describe(string workDirectory)
    {
        string model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(static line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
            ?? RuntimeInformation.ProcessArchitecture.ToString();
        string memory = $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 30} GiB";
        return $"{Environment.ProcessorCount} x {model}, {memory}, Linux {Environment.OSVersion.Version}, {RuntimeInformation.FrameworkDescription}, "
            + $"{new DriveInfo(workDirectory).DriveFormat} at the work directory, load {LoadAverage.ToString("0.0", CultureInfo.InvariantCulture)}";
    }

    /// <summary>Resident memory of this process now, in bytes.</summary>
    public static long ResidentBytes()
    {
        string line = File.ReadLines("/proc/self/status").First(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}
