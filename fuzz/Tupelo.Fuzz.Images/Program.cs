// The campaign as a program: dotnet run --project fuzz/Tupelo.Fuzz.Images -c Release -- --images 1000000 --seed 7
using System.Globalization;
using Tupelo.Fuzz.Images;

const string Usage = """
    Opens damaged TFS images and looks for anything but an answer or a clear refusal.

      --images N      how many images (default 1000000)
      --seed N        of the campaign (default 1)
      --first N       number of the first case (default 0)
      --case N        replay one case, and say what was done to its image
      --image FILE    try one image from a file
      --agreement     instead of judging, hold the product against the independent reader and count how they agree
      --workers N     threads (default: one a core)
      --out DIR       where failing images go (default: out/fuzz)

    Exit code 0: no failure. 1: failures, each saved with a shrunk copy. 2: wrong usage.
    """;

long images = 1_000_000;
ulong seed = 1;
long first = 0;
long? replay = null;
string? imageFile = null;
int workers = 0;
bool agreement = false;
string directory = Path.Combine("out", "fuzz");
for (int i = 0; i < args.Length; i++)
{
    string value = i + 1 < args.Length ? args[i + 1] : "";
    if (args[i] == "--agreement")
    {
        agreement = true;
        continue;
    }
    bool ok = args[i] switch
    {
        "--images" => long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out images),
        "--seed" => ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out seed),
        "--first" => long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out first),
        "--case" => long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && (replay = number) is not null,
        "--workers" => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out workers),
        "--image" => File.Exists(imageFile = value),
        "--out" => (directory = value).Length > 0,
        _ => false,
    };
    if (!ok)
    {
        Console.Error.WriteLine(Usage);
        return 2;
    }
    i++;
}

if (imageFile is not null || replay is not null)
{
    byte[] image;
    if (imageFile is not null)
    {
        image = File.ReadAllBytes(imageFile);
    }
    else
    {
        var one = new FuzzCase(seed, replay!.Value);
        var steps = new List<string>();
        image = one.Build(steps);
        Directory.CreateDirectory(directory);
        string path = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"case-{seed}-{replay}.img"));
        File.WriteAllBytes(path, image);
        Console.WriteLine($"{one.SeedName}: {string.Join(", ", steps)}; {image.Length} bytes in {path}");
    }
    string? verdict = Judge.Try(image, out _);
    Console.WriteLine(verdict is null ? ImageTarget.Describe(image) : "FAILED: " + verdict);
    return verdict is null ? 0 : 1;
}

if (agreement)
{
    return AgreementSurvey.Run(seed, first, images, Console.Out) ? 0 : 1;
}

Console.WriteLine($"seed {seed}, {images} images from case {first} on; failures go to {Path.GetFullPath(directory)}");
CampaignResult result = Campaign.Run(new CampaignOptions(seed, first, images, directory, workers), Console.Out);
Console.WriteLine(result);
return result.Failures.Count == 0 ? 0 : 1;
