package dev.sandlot.app;

import java.io.IOException;
import java.net.URI;
import java.util.Optional;
import picocli.CommandLine.Mixin;

/**
 * Which server a client command talks to: the one that {@code E2B_API_URL} and {@code E2B_API_KEY} name, else the one
 * of the installation.
 */
final class Connection {
    @Mixin
    private final InstallationOptions installation = new InstallationOptions();

    TemplateApi open(Surroundings surroundings) throws IOException {
        Optional<String> url = variable(surroundings, "E2B_API_URL");
        Optional<String> key = variable(surroundings, "E2B_API_KEY");
        if (url.isPresent() && key.isPresent() && !installation.isNamed()) {
            return new TemplateApi(address(url.get()), key.get());
        }
        Settings settings = installation.load(surroundings).settings();
        Instance.Access access = new Instance(settings)
                .access()
                .orElseThrow(() -> new CommandException(
                        ExitCode.NOT_RUNNING,
                        "nothing was set up in " + settings.dataDir()
                                + "; start with `sandlot up`, or set E2B_API_URL and E2B_API_KEY"));
        return new TemplateApi(access.apiUrl(), access.apiKey());
    }

    private static Optional<String> variable(Surroundings surroundings, String name) {
        return Optional.ofNullable(surroundings.environment().get(name)).filter(value -> !value.isBlank());
    }

    private static URI address(String text) {
        try {
            URI address = URI.create(text.strip());
            if (address.getHost() != null && ("" + address.getScheme()).matches("https?")) {
                return address;
            }
        } catch (IllegalArgumentException e) {
            throw noAddress(text);
        }
        throw noAddress(text);
    }

    private static CommandException noAddress(String text) {
        return new CommandException(ExitCode.USAGE, "E2B_API_URL is no address such as http://localhost:3000: " + text);
    }
}
