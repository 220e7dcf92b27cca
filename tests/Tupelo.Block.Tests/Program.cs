using Xunit.Runner.InProc.SystemConsole;

namespace Tupelo.Block.Tests;

/// <summary>Runs the tests; or, started by one of them, is the other process that has an image open.</summary>
internal static class Program
{
    public static Task<int> Main(string[] arguments) =>
        arguments is ["hold", var path, var mode] ? Task.FromResult(Hold(path, mode)) : ConsoleRunner.Run(arguments);

    /// <summary>Opens the image, says so on standard output, and keeps it until standard input ends.</summary>
    private static int Hold(string path, string mode)
    {
        try
        {
            using FileBlockDevice device = FileBlockDevice.Open(path, new() { ReadOnly = mode == "reader" });
            Console.WriteLine("open");
            _ = Console.In.ReadToEnd();
            return 0;
        }
        catch (BlockDeviceException e)
        {
            Console.WriteLine(e.Message);
            return 1;
        }
    }
}
