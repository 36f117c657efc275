namespace Demiurge.Core.Containers.Repositories;

internal static class Errors
{
    public static readonly Error RepositoryNotFound = new("repository.not_found", "There is no such repository, or you have no access to it.", ErrorKind.NotFound);

    public static readonly Error RunNotFound = new("repository.run_not_found", "There is no such run, or you have no access to it.", ErrorKind.NotFound);

    public static readonly Error UrlInvalid = new(
        "repository.url_invalid", "Give an address such as https://git.example.org/team/app.git or git@git.example.org:team/app.git, without a password in it.", ErrorKind.Invalid)
    { Field = "url" };

    public static readonly Error BranchInvalid = new("repository.branch_invalid", "That can't be a branch's name.", ErrorKind.Invalid) { Field = "branch" };

    public static readonly Error InUse = new("repository.in_use", "Containers are made from this repository. Delete them first.", ErrorKind.Conflict);

    public static readonly Error NoRepository = new("repository.none", "This container isn't made from a repository.", ErrorKind.Conflict);

    public static readonly Error NotRunning = new("repository.container_stopped", "The container has to run for that. Start it first.", ErrorKind.Conflict);

    public static readonly Error UnderWay = new("repository.run_under_way", "The repository is being set up already. Wait until that is done.", ErrorKind.Conflict);

    public static readonly Error NotFailed = new("repository.run_not_failed", "Only the last run, when it failed, can be tried again.", ErrorKind.Conflict);

    public static readonly Error NoTemplate = new(
        "repository.no_template", "Give a template, or a repository whose demiurge.yaml names one: it is read when the access is tested.", ErrorKind.Invalid) { Field = "templateId" };

    public static readonly Error TestUnderWay = new("repository.test_under_way", "A test of yours, or several of others, are under way. Try again in a moment.", ErrorKind.TooMany);

    public static readonly Error NoHost = new("repository.no_host", "No engine is registered on which the access could be tested.", ErrorKind.Unavailable);
}
